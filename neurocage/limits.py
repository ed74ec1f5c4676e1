"""How many of one thing may run at the same time: for each person, and in all.

A place is a locked file, so it counts in all processes of this machine, needs no server, and the
kernel frees it when its process dies. The limits protect the threads and the CPU of one machine, so
several web machines each have their own.

gunicorn.conf.py reads this module, so it must not need Django.
"""

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Made in gunicorn's master, which forks the workers, so that they share it.
FOLDER = Path(tempfile.mkdtemp(prefix="neurocage-limits-"))
LOOK_AGAIN_SECONDS = 0.05


def _remove(maker: int) -> None:
    # A worker that ends must not take it from the others.
    if os.getpid() == maker:
        shutil.rmtree(FOLDER, ignore_errors=True)


atexit.register(_remove, os.getpid())


class Place:
    """A place of a Limit, until `release`, which may be called twice."""

    def __init__(self, *files: int) -> None:
        self._files = list(files)

    def release(self) -> None:
        while self._files:
            os.close(self._files.pop())

    # For an answer that was never sent.
    __del__ = release


@dataclass(frozen=True, slots=True)
class Limit:
    """each: places for one person. in_all: places for all people; 0 means no such limit."""

    name: str
    each: int
    in_all: int = 0

    def take(self, who: object, seconds: float = 0.0) -> Place | None:
        """Return a place for this person, or None if none becomes free within the seconds."""
        latest = time.monotonic() + seconds
        while True:
            own = _lock_one(f"{self.name}-of-{who}", self.each)
            if own is not None:
                common = _lock_one(self.name, self.in_all) if self.in_all else None
                if common is not None:
                    return Place(own, common)
                if not self.in_all:
                    return Place(own)
                os.close(own)
            if time.monotonic() >= latest:
                return None
            time.sleep(LOOK_AGAIN_SECONDS)

    @contextlib.contextmanager
    def taken(self, who: object, seconds: float = 0.0) -> Iterator[bool]:
        """Hold a place during the block. Yields whether there was one."""
        place = self.take(who, seconds)
        try:
            yield place is not None
        finally:
            if place:
                place.release()


def _lock_one(name: str, count: int) -> int | None:
    """Lock one of `count` files; returns its descriptor, or None if all are locked."""
    for number in range(count):
        file = os.open(FOLDER / f"{name}-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            return file
    return None


# A browser opens at most six connections to a host.
REQUESTS = Limit("requests", each=6)
# Of these so many are worked on. The others wait, for RUN_WITHIN_SECONDS at most: those of one
# person would otherwise take the CPU from those of another.
RUNNING = Limit("running", each=2)
RUN_WITHIN_SECONDS = 5.0
# Forms of people who are not signed in, for each address: checking a password takes a third of a
# second of CPU. Those of one address leave places for another.
ANONYMOUS_FORMS = Limit("anonymous-forms", each=6, in_all=12)
# One core at most checks passwords. A whole facility may sign in from one address, so they wait.
ANONYMOUS_RUNNING = Limit("anonymous-running", each=1)
ANONYMOUS_RUN_WITHIN_SECONDS = 15.0
API_REQUESTS = Limit("api-requests", each=2)
# Pages that take seconds of CPU, as a history of years or an import.
LONG_PAGES = Limit("long-pages", each=1)
# The same form of the same person, sent twice.
FORMS = Limit("forms", each=1)
# These two hold a thread of the web server for long, so gunicorn has threads beyond those of pages.
EXPORTS = Limit("exports", each=1, in_all=4)
SENSOR_TESTS = Limit("sensor-tests", each=1, in_all=4)
