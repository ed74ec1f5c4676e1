"""Signals that ask the stack to stop: noted at once, acted on at safe moments."""

import contextlib
import os
import queue
import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):  # noqa: N818 - a wish, not an error
    """The person (or the system) wants the stack to stop."""


class Interrupts:
    """Notes SIGINT, SIGTERM and SIGHUP, and that the make that runs us was killed.

    They take effect in sleep() and check(). A handler that raised could do so between the start of
    a process and the note of its pid, and a second signal could do so in the middle of stopping.
    The handlers stay in place, so that a late signal does not turn a clean end into a killed one.
    """

    def __init__(self) -> None:
        self.requested = False
        self._make = os.getppid() if "MAKELEVEL" in os.environ else None
        # No other kind of queue allows put() in a signal handler.
        self._woken: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in STOP_SIGNALS:
            # `nohup make up` starts us with SIGHUP ignored, and it stays ignored.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = self.requested or number != signal.SIGCHLD
        self._woken.put(number)

    def sleep(self, seconds: float) -> None:
        """Wait, but return early when a child ends. Raises StopRequested as check() does."""
        self.check()
        with contextlib.suppress(queue.Empty):
            self._woken.get(timeout=seconds)
        self.check()

    def check(self) -> None:
        """Raise StopRequested when a stop has been asked for."""
        if self.requested or self._make not in (None, os.getppid()):
            raise StopRequested
