"""Waiting until the database or Redis takes what it is given, with growing pauses."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from django.db import connection
from django.utils import timezone
from redis.exceptions import RedisError

from cages.operations import outage

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

LONGEST_PAUSE_SECONDS = 10
# An error is proven to be of the data itself when, between its tries, others were written this
# many times.
PROOFS = 5
PROVABLE = {outage.Cause.DATABASE_INCOMPLETE, outage.Cause.DATABASE_REFUSES}


class Stopping(Exception):  # noqa: N818 - a wish, not an error
    """This process is asked to stop while it waits."""


def pauses() -> Iterator[float]:
    """Seconds: 0.5, 1, 2, ... up to LONGEST_PAUSE_SECONDS, without end."""
    pause = 0.5
    while True:
        yield min(pause, LONGEST_PAUSE_SECONDS)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


class Patience:
    """Waits for the database with one kind of work.

    All threads of a process share it, so that an outage is logged once.

    what: the work in words, such as "results are written".
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._written = 0

    def wait_out(
        self,
        work: Callable[[], Result],
        may_pause: Callable[[float], bool] = lambda seconds: True,
    ) -> Result:
        """Do the work, again and again while the database is not able to, and return its result.

        may_pause: whether there is time for a pause of so many seconds.

        Raises what the work raises: at once if that is not the database's fault, at the end of
        the time, or when it has proven to be the fault of this work alone. Raises Stopping when
        the process is asked to stop.
        """
        proofs, written = 0, self._written
        for pause in pauses():
            try:
                result = work()
            except Exception as error:
                cause = outage.cause_of(error)
                if cause is None:
                    raise
                if cause in PROVABLE and self._written > written:
                    proofs, written = proofs + 1, self._written
                if proofs == PROOFS or not may_pause(pause):
                    raise
                self._note(cause, error)
            else:
                self._note_end()
                return result
            # A new connection may lead to another server, which took over.
            if not connection.in_atomic_block:
                connection.close()
            if self.stop.wait(pause):
                raise Stopping
        raise AssertionError("pauses never end")

    def _note(self, cause: outage.Cause, error: Exception) -> None:
        words = outage.words_of(error)
        with self._lock:
            if self._since is None:
                self._since = timezone.now()
                logger.warning("No %s. %s It said: %s", self.what, cause.label, words)
            since = self._since
        with contextlib.suppress(RedisError):
            outage.tell(outage.Outage(cause, words, since))

    def _note_end(self) -> None:
        with self._lock:
            self._written += 1
            since, self._since = self._since, None
        if since:
            seconds = (timezone.now() - since).total_seconds()
            logger.warning("Again %s, after %.0f s", self.what, seconds)
            with contextlib.suppress(RedisError):
                outage.tell_the_end()
