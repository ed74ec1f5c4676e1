"""Starts and stops the TimescaleDB that tests run on; server.mjs says what it is and cannot do."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]


class TimescaleUnavailable(RuntimeError):
    """The server cannot run on this machine as it is; the text says what to do."""


def _node() -> str:
    # The virtual environment brings its own Node; a machine's own is only the second choice.
    name = "node.exe" if os.name == "nt" else "node"
    beside_python = Path(sys.executable).parent / name
    found = str(beside_python) if beside_python.exists() else shutil.which("node")
    if not found:
        raise TimescaleUnavailable(
            "The TimescaleDB of the tests needs Node: run `make install-dev`."
        )
    return found


def _check_packages() -> None:
    if not (PROJECT / "node_modules/@electric-sql/pglite/dist/timescaledb").is_dir():
        raise TimescaleUnavailable(
            "The packages of the TimescaleDB of the tests are not installed: "
            f"run `make install-dev` in {PROJECT}."
        )


class TimescaleServer:
    """One empty TimescaleDB in memory. The extension is available in it, not yet created.

    One client at a time: another one waits until the first has closed its connection.
    folder: keep it there instead, for more than memory holds.
    """

    def __init__(self, startup_seconds: float = 60, folder: Path | None = None):
        self.startup_seconds = startup_seconds
        self.folder = folder
        self.port: int | None = None
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        if self.port is None:
            raise RuntimeError("The TimescaleDB of the tests is not running.")
        # A test that opens a second connection while it holds the first must fail, not hang.
        options = "sslmode=disable&connect_timeout=30"
        return f"postgresql://postgres:x@127.0.0.1:{self.port}/template1?{options}"

    def start(self) -> "TimescaleServer":
        if self._process:
            raise RuntimeError("The TimescaleDB of the tests is running already.")
        command = [_node(), str(HERE / "server.mjs"), "0"]
        if self.folder:
            command.append(str(self.folder))
        _check_packages()
        # A file, because nobody reads along and a full pipe would stop the server.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in _end)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            # A group of its own: the environment's `node` is a script that starts the real one.
            start_new_session=True,
        )
        overdue = threading.Timer(self.startup_seconds, self._kill)
        overdue.start()
        line = self._process.stdout.readline().split()
        overdue.cancel()
        if len(line) != 2 or line[0] != b"ready":
            raise TimescaleUnavailable(
                "The TimescaleDB of the tests did not start "
                f"(waited for {self.startup_seconds:g} s at most): {self._end()}"
            )
        self.port = int(line[1])
        return self

    def stop(self) -> None:
        if not self._process:
            return
        died = self._process.poll() is not None
        said = self._end()
        if died:
            # The tests only saw a closed connection; here is why.
            print(f"The TimescaleDB of the tests ended by itself: {said}", file=sys.stderr)

    def _end(self) -> str:
        """End the process, whatever its state; returns what it said on standard error."""
        process, self._process, self.port = self._process, None, None
        process.stdin.close()  # The server ends with its standard input, even within a query.
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
        with self._errors as errors:
            errors.seek(0)
            return errors.read().decode(errors="replace").strip() or "it said nothing"

    def _kill(self) -> None:
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> "TimescaleServer":
        return self.start()

    def __exit__(self, *_exception) -> None:
        self.stop()
