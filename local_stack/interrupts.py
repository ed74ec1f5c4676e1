"""Signals that ask the stack to stop: noted at once, acted on at safe moments."""

import os
import select
import signal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):  # noqa: N818 - a wish, not an error
    """The person (or the system) wants the stack to stop."""


class Interrupts:
    """Notes SIGINT, SIGTERM and SIGHUP; sleep() is where they take effect.

    A handler that raised could strike between the start of a process and the note of its pid, and a
    second signal in the middle of stopping. Use as a context manager.
    """

    def __init__(self):
        self.requested = False

    def __enter__(self):
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        # Each signal puts a byte into the pipe, so one that comes just before select() is seen.
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            # `nohup make up` has SIGHUP ignored; that stays.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_):
        # The handlers stay: a late signal must not turn a clean end into a killed one.
        signal.set_wakeup_fd(-1)
        os.close(self._reader)
        os.close(self._writer)

    def _note(self, *_):
        self.requested = True

    def sleep(self, seconds):
        """Wait, shorter when a child ends. Raises StopRequested when a stop was or is asked for."""
        self.check()
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 4096)
        self.check()

    def check(self):
        if self.requested:
            raise StopRequested
