"""A child process: in a session of its own, recorded on disk, and stopped for certain."""

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from neurocage.private_file import write_private_file

LOG_LIMIT_BYTES = 5_000_000
# Start times are told to a hundredth of a second, but the system clock may be corrected a little.
SAME_START_SECONDS = 2.0


class StackError(Exception):
    """Something a person has to know or decide; the message is all that is shown."""


def make_private_folder(folder):
    """Create the folder, readable by its owner only, where it does not exist yet."""
    try:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(f"Cannot make the folder {folder}: {error.strerror}.") from error


def tail(path, lines=20):
    """The last lines of a log as one text, empty where there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 32_768))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def open_log(path):
    """The log opened to append; one that has grown large is put aside as NAME.log.1 first."""
    path = Path(path)
    make_private_folder(path.parent)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    return open(path, "ab")


@functools.cache
def _setpriv_knows_pdeathsig():
    program = sys.platform == "linux" and shutil.which("setpriv")
    if not program:
        return False
    test = [program, "--pdeathsig", "TERM", "--", sys.executable, "-c", ""]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


def dying_with_parent(stop_signal):
    """What to put before a command so that Linux stops it when its parent is killed."""
    if not _setpriv_knows_pdeathsig():
        return []
    return ["setpriv", "--pdeathsig", signal.Signals(stop_signal).name.removeprefix("SIG"), "--"]


def how_it_ended(code):
    """An exit code of subprocess in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


class Child:
    """A program that this process starts, watches and stops.

    It runs in its own session, so that a Ctrl-C reaches only its parent. Its pid and start time are
    written to `records`/NAME.process, by which the next run finds it should this one be killed.

    log: the file its output is appended to; None lets it share the parent's.
    before_start: called before each start, also before a restart.
    """

    def __init__(
        self,
        name,
        argv,
        *,
        records,
        log,
        env=None,
        cwd=None,
        stop_signal=signal.SIGTERM,
        before_start=None,
    ):
        self.name = name
        self.argv = [str(part) for part in argv]
        self.record = Path(records) / f"{name}.process"
        self.log = log and Path(log)
        self.env = env
        self.cwd = cwd
        self.stop_signal = stop_signal
        self.before_start = before_start
        self.popen = None
        self._swept = False

    @property
    def pid(self):
        return self.popen and self.popen.pid

    def start(self):
        """Start it, also again after it died."""
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

    def poll(self):
        """Its exit code as subprocess gives it; None while it runs."""
        if self.popen is None:
            return 0
        code = self.popen.poll()
        if code is not None and not self._swept:
            # Workers of a program that was killed would still hold its port. Once only: later the
            # number of the group may be somebody else's.
            self._swept = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return code

    def is_alive(self):
        return self.poll() is None

    def ask_to_stop(self):
        if self.is_alive():
            self.popen.send_signal(self.stop_signal)

    def kill(self):
        """The last resort: the whole group, at once."""
        if self.is_alive():
            os.killpg(self.pid, signal.SIGKILL)
            self.popen.wait()
        self.poll()

    def forget(self):
        """Remove the record, unless a later run wrote its own there."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            if json.loads(self.record.read_text())["pid"] == self.pid:
                self.record.unlink()

    def stop(self, seconds=8):
        """Ask it to stop, and kill it when it has not within the seconds."""
        stop_together([self], seconds)


def stop_together(children, seconds):
    """Ask all children to stop at once, and kill those that have not within the seconds.

    Returns the names of those that had to be killed.
    """
    deadline = time.monotonic() + seconds
    for child in children:
        child.ask_to_stop()
    while any(child.is_alive() for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    killed = [child.name for child in children if child.is_alive()]
    for child in children:
        child.kill()
        child.forget()
    return killed


def find_running(pid, created):
    """The process with this pid, if it is the one that started then and has not ended.

    created: seconds since 1970, by which a pid that was given to another program is recognised.
    """
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < SAME_START_SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, ValueError):
        return None


def stop_leftovers(records, seconds=10):
    """Stop what an earlier run recorded and could not stop because it was killed.

    Returns the names of what was found. A process that does not end within the seconds is killed.
    """
    found = []
    for record in records:
        try:
            facts = json.loads(record.read_text())
            found.append((record, facts["pid"], facts["created"], facts["signal"]))
        except (OSError, ValueError, KeyError, TypeError):
            record.unlink(missing_ok=True)
    running = [entry for entry in found if find_running(*entry[1:3])]
    for _, pid, _, stop_signal in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
    deadline = time.monotonic() + seconds
    while any(find_running(*entry[1:3]) for entry in running) and time.monotonic() < deadline:
        time.sleep(0.05)
    for _, pid, created, _ in running:
        if find_running(pid, created):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
    for record, *_ in found:
        record.unlink(missing_ok=True)
    return [record.stem for record, *_ in running]
