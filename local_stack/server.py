"""What the embedded servers share: folder, port, password, and a start that waits."""

import importlib.util
import os
import secrets
import signal
import time
from pathlib import Path
from typing import Self

from local_stack.ports import kept_port, why_unusable
from local_stack.processes import (
    Child,
    Sleep,
    StackError,
    make_private_folder,
    stop_leftovers,
    tail,
)
from neurocage.private_file import write_private_file


def package_folder(package: str) -> Path:
    """The folder of an installed package, found without running its code.

    Raises StackError when it is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        raise StackError(f"The package {package} is not installed: run `make install`.")
    return Path(spec.origin).parent


class EmbeddedServer:
    """A server on a free loopback port. Data, password and port are kept in its own folder.

    durable: whether the data must survive a power cut. Without, it is faster; for tests.
    log: the file for its output, by default one in the folder.
    sleep: waits for some seconds; an exception that it raises ends a start that is under way.
    """

    name = ""
    stop_signal = signal.SIGTERM
    ready_seconds = 30

    def __init__(
        self,
        folder: Path | str,
        durable: bool = True,
        *,
        log: Path | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.folder = Path(folder).resolve()
        self.durable = durable
        self.log = log or self.folder / f"{self.name}.log"
        self.sleep = sleep
        self.password = ""
        self.port = 0
        self._child: Child | None = None

    @property
    def process(self) -> Child:
        """The server's process. Only after start()."""
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started.")
        return self._child

    @property
    def url(self) -> str:
        """The URL with user and password, in the form of DATABASE_URL or REDIS_URL."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start it and wait until it answers. Raises StackError with the end of its log."""
        make_private_folder(self.folder)
        stop_leftovers([self.folder / f"{self.name}.process"])
        self.password = self._kept_password()
        self._prepare()
        try:
            for _ in range(3):
                self.port = kept_port(self.folder / "port")
                self._child = Child(
                    self.name,
                    self._command(),
                    records=self.folder,
                    log=self.log,
                    env=self._environment(),
                    cwd=self.folder,
                    stop_signal=self.stop_signal,
                    before_start=self._before_start,
                )
                self.process.start()
                if self._becomes_ready(self.process):
                    return self
                # Another program may have taken the port in the meantime; else a retry is useless.
                if why_unusable(self.port) is None:
                    break
            raise StackError(
                f"{self.name} does not start. The end of {self.log}:\n{tail(self.log)}"
            )
        except BaseException:
            self.stop()
            raise

    def stop(self, seconds: float = 8) -> None:
        """Stop it cleanly. It is killed only when it has not ended within the seconds."""
        if self._child:
            self._child.stop(seconds)

    def is_alive(self) -> bool:
        return self._child is not None and self._child.is_alive()

    def _becomes_ready(self, process: Child) -> bool:
        deadline = time.monotonic() + self.ready_seconds
        while process.is_alive() and time.monotonic() < deadline:
            if self._answers():
                return True
            self.sleep(0.05)
        return False

    def _kept_password(self) -> str:
        file = self.folder / "password"
        if not file.exists():
            write_private_file(file, secrets.token_urlsafe(24))
        return file.read_text().strip()

    def _environment(self) -> dict[str, str]:
        # Messages and sort order must not depend on the languages that this machine has.
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _prepare(self) -> None:
        """Make the folder ready for the first start."""

    def _before_start(self) -> None:
        """Called before each start, also when the supervisor starts it again."""

    def _command(self) -> list[str | Path]:
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether it accepts connections with its password."""
        raise NotImplementedError
