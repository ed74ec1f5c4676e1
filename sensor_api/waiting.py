"""Waiting that ends early when the server is asked to stop."""

import threading
from collections.abc import Callable

STEP_SECONDS = 1.0


class Waiting:
    """All waiting of the simulator. Tests may pass their own `sleep`, which takes seconds."""

    def __init__(self, sleep: Callable[[float], object] | None = None) -> None:
        self.is_stopping = False
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait

    def stop(self) -> None:
        """End every wait, now and later. A signal handler may call it."""
        # A second signal may arrive while set() holds its lock, and would wait for it for ever.
        if not self.is_stopping:
            self.is_stopping = True
            self._stopping.set()

    def wait(self, seconds: float) -> None:
        """Wait for these seconds."""
        self._sleep(seconds)

    def wait_while(self, is_wanted: Callable[[], bool], seconds: float) -> None:
        """Wait at most `seconds`, but only while `is_wanted` holds, which is asked every second."""
        left = seconds
        while left > 0 and not self.is_stopping and is_wanted():
            step = min(STEP_SECONDS, left)
            self._sleep(step)
            left -= step
