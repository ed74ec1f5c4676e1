"""A wall clock for the processes of a scenario that can be set while they run (wall_clock.c)."""

import mmap
import shutil
import struct
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).with_name("wall_clock.c")
# Checks that the processes see a shifted wall clock and that waits have their usual length.
PROBE = """
import threading, time
began = time.monotonic()
time.sleep(0.05)
threading.Event().wait(0.05)
print(time.time(), time.monotonic() - began)
"""


class NoClock(Exception):
    """A settable wall clock is not possible on this machine."""


class Clock:
    """The machine's clock, plus a lead for programs that were started with `environment`.

    why_fixed: why it cannot be set, or empty.
    """

    environment = {}
    ahead_seconds = 0.0

    def __init__(self, why_fixed=""):
        self.why_fixed = why_fixed

    def now(self):
        return datetime.fromtimestamp(time.time() + self.ahead_seconds, UTC)

    def begin_a_minute(self):
        """Go to the beginning of the next minute. A clock that cannot be set stays as it is."""
        if not self.why_fixed:
            self.step(60 - self.now().timestamp() % 60)


class SettableClock(Clock):
    """A clock that can be set.

    Raises NoClock without a C compiler or if Python ignores the library.
    """

    def __init__(self, folder):
        super().__init__()
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            raise NoClock("no C compiler (apt install gcc libc6-dev)")
        library, file = Path(folder) / "wall_clock.so", Path(folder) / "wall_clock"
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoClock(f"{SOURCE.name} does not compile: {done.stderr.strip()}")
        file.write_bytes(struct.pack("q", 0))
        with open(file, "r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "TEST_WALL_CLOCK": str(file)}
        self._prove()

    def step(self, seconds):
        """Set the clock forward or back for all its processes at the same moment."""
        self.ahead_seconds += seconds
        self._shared[:] = struct.pack("q", round(self.ahead_seconds * 1e9))

    def close(self):
        self._shared.close()

    def _prove(self):
        self.step(3600)
        command = [sys.executable, "-c", PROBE]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        )
        told, waited = map(float, done.stdout.split())
        self.step(-3600)
        if abs(told - time.time() - 3600) > 60 or not 0.05 <= waited < 10:
            raise NoClock(f"Python does not follow {SOURCE.name}: it said {done.stdout.strip()}")
