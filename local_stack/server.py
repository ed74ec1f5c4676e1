"""What the embedded servers have in common: folder, port, password, and a start that waits."""

import importlib.util
import os
import secrets
import signal
import time
from pathlib import Path

from local_stack.ports import kept_port, why_unusable
from local_stack.processes import (
    Child,
    StackError,
    make_private_folder,
    stop_leftovers,
    tail,
)
from neurocage.private_file import write_private_file


def package_folder(package):
    """Where a package is installed, found without running any of its code."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        raise StackError(
            f"The package {package} is not installed: pip install -r requirements-local.txt"
        )
    return Path(spec.origin).parent


class EmbeddedServer:
    """A server on a free loopback port whose data, password and port live in a folder of its own.

    durable: whether the data must survive a power cut; without, it is fast and for tests.
    log: where its output goes, by default a file in the folder.
    sleep: waits so many seconds; what it raises ends a start that is under way.
    """

    name = ""
    stop_signal = signal.SIGTERM
    ready_seconds = 30

    def __init__(self, folder, durable=True, *, log=None, sleep=time.sleep):
        self.folder = Path(folder).resolve()
        self.durable = durable
        self.log = Path(log or self.folder / f"{self.name}.log")
        self.sleep = sleep
        self.password = self.port = self.process = None

    @property
    def url(self):
        """The address with user and password, as DATABASE_URL and REDIS_URL take it."""
        raise NotImplementedError

    def start(self):
        """Start it and wait until it answers. Raises StackError with the end of its log."""
        make_private_folder(self.folder)
        stop_leftovers([self.folder / f"{self.name}.process"])
        self.password = self._kept_password()
        self._prepare()
        try:
            for _ in range(3):
                self.port = kept_port(self.folder / "port")
                self.process = Child(
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
                if self._becomes_ready():
                    return self
                if why_unusable(self.port) is None:
                    break
            raise StackError(
                f"{self.name} does not start. The end of {self.log}:\n{tail(self.log)}"
            )
        except BaseException:
            self.stop()
            raise

    def stop(self, seconds=8):
        """Stop it cleanly; killed only when it has not ended within the seconds."""
        if self.process:
            self.process.stop(seconds)

    def is_alive(self):
        return bool(self.process) and self.process.is_alive()

    def _becomes_ready(self):
        deadline = time.monotonic() + self.ready_seconds
        while self.process.is_alive() and time.monotonic() < deadline:
            if self._answers():
                return True
            self.sleep(0.05)
        return False

    def _kept_password(self):
        file = self.folder / "password"
        if not file.exists():
            write_private_file(file, secrets.token_urlsafe(24))
        return file.read_text().strip()

    def _environment(self):
        # Their messages and sorting must not depend on the languages this machine happens to have.
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _prepare(self):
        """Bring the folder into the state that the first start needs."""

    def _before_start(self):
        """Called before each start, also when the supervisor starts it again."""

    def _command(self):
        raise NotImplementedError

    def _answers(self):
        raise NotImplementedError
