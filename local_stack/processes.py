"""Child processes: each in a session of its own, recorded on disk, and stopped reliably."""

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import psutil

from neurocage.private_file import write_private_file

LOG_LIMIT_BYTES = 5_000_000
# Start times have a resolution of a hundredth of a second, but the clock may be corrected a little.
SAME_START_SECONDS = 2.0

# Waits for the seconds; what it raises ends the operation that waits.
Sleep = Callable[[float], object]


class StackError(Exception):
    """Something a person has to know or decide. Only the message is shown."""


def make_private_folder(folder: Path) -> None:
    """Create the folder, readable by its owner only. Leaves an existing one as it is.

    Raises StackError when that is not possible.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(f"Cannot make the folder {folder}: {error.strerror}.") from error


def tail(path: Path | None, lines: int = 20) -> str:
    """The last lines of a log as one text; empty when there is no such file."""
    if path is None:
        return ""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 32_768))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def open_log(path: Path) -> BinaryIO:
    """Open the log to append to it. One above LOG_LIMIT_BYTES is first renamed to NAME.log.1."""
    make_private_folder(path.parent)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    return open(path, "ab")


@functools.cache
def _setpriv_knows_pdeathsig() -> bool:
    program = sys.platform == "linux" and shutil.which("setpriv")
    if not program:
        return False
    test = [program, "--pdeathsig", "TERM", "--", sys.executable, "-c", ""]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


def dying_with_parent(stop_signal: signal.Signals) -> list[str]:
    """The arguments to put before a command, so that Linux stops it when its parent is killed."""
    if not _setpriv_knows_pdeathsig():
        return []
    return ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--"]


def how_it_ended(code: int) -> str:
    """An exit code in words. Minus N means killed by signal N, as in `subprocess`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


class Child:
    """A program that this process starts, watches and stops.

    It runs in its own session, so that a Ctrl-C reaches only its parent. Its process id and start
    time are written to `records`/NAME.process. From there the next run stops it, if this run is
    killed.

    log: the file for its output; None means that it shares the parent's output.
    before_start: called before each start, also before a restart.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        records: Path,
        log: Path | None,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        before_start: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.argv = [str(part) for part in argv]
        self.record = records / f"{name}.process"
        self.log = log
        self.env = env
        self.cwd = cwd
        self.stop_signal = stop_signal
        self.before_start = before_start
        self.popen: subprocess.Popen[bytes] | None = None
        self._swept = False

    @property
    def pid(self) -> int | None:
        return self.popen.pid if self.popen else None

    def start(self) -> None:
        """Start it, also again after it has ended. Raises StackError when it cannot be started."""
        if self.before_start:
            self.before_start()
        make_private_folder(self.record.parent)
        self._swept = False
        with contextlib.ExitStack() as files:
            output = files.enter_context(open_log(self.log)) if self.log else None
            try:
                self.popen = subprocess.Popen(
                    [*dying_with_parent(self.stop_signal), *self.argv],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=self.env,
                    cwd=self.cwd,
                    start_new_session=True,
                )
            except OSError as error:
                raise StackError(f"Cannot start {self.name}: {error}.") from error
        with contextlib.suppress(psutil.NoSuchProcess):
            facts = {"pid": self.pid, "created": psutil.Process(self.pid).create_time()}
            write_private_file(self.record, json.dumps(facts | {"signal": int(self.stop_signal)}))

    def poll(self) -> int | None:
        """Its exit code as `subprocess` gives it; None while it runs, 0 before the first start."""
        if self.popen is None:
            return 0
        code = self.popen.poll()
        if code is not None and not self._swept:
            # Workers of a program that was killed would still hold its port. Once only, because
            # later the number of the group may be another program's.
            self._swept = True
            self._kill_group(self.popen.pid)
        return code

    def is_alive(self) -> bool:
        return self.poll() is None

    def ask_to_stop(self) -> None:
        if self.popen and self.is_alive():
            self.popen.send_signal(self.stop_signal)

    def kill(self) -> None:
        """Kill it and everything it has started, at once."""
        if self.popen and self.is_alive():
            self._kill_group(self.popen.pid)
            self.popen.wait()
        self.poll()

    def forget(self) -> None:
        """Remove the record, unless a later run has written its own there."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            if json.loads(self.record.read_text())["pid"] == self.pid:
                self.record.unlink()

    def stop(self, seconds: float = 8) -> None:
        """Ask it to stop, and kill it when it has not ended within the seconds."""
        stop_together([self], seconds)

    @staticmethod
    def _kill_group(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def stop_together(children: Sequence[Child], seconds: float) -> list[str]:
    """Ask all children to stop at once, and kill those that have not ended within the seconds.

    Returns the names of those that were killed.
    """
    for child in children:
        child.ask_to_stop()
    wait_while(lambda: any(child.is_alive() for child in children), seconds)
    killed = [child.name for child in children if child.is_alive()]
    for child in children:
        child.kill()
        child.forget()
    return killed


def wait_while(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait at most these seconds while the condition holds. Returns whether it still holds."""
    deadline = time.monotonic() + seconds
    while (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds


def lives(process: psutil.Process) -> bool:
    """Whether the process runs. One that has ended but was not waited for by its parent does not.

    psutil compares start times, so another program with the same id is not mistaken for it.
    """
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop_leftovers(records: Iterable[Path], seconds: float = 10) -> list[str]:
    """Stop the processes that an earlier run recorded but could not stop, because it was killed.

    Returns their names. A process that does not end within the seconds is killed. A process id
    that has gone to another program is recognised by its start time.
    """
    records = list(records)
    running: dict[psutil.Process, str] = {}
    for record in records:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
            facts = json.loads(record.read_text())
            process = psutil.Process(facts["pid"])
            same = abs(process.create_time() - facts["created"]) < SAME_START_SECONDS
            if same and lives(process):
                process.send_signal(facts["signal"])
                running[process] = record.stem
    wait_while(lambda: any(map(lives, running)), seconds)
    for process in filter(lives, running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for record in records:
        record.unlink(missing_ok=True)
    return list(running.values())
