"""Waiting that ends early when the server is told to stop."""

import threading
from collections.abc import Callable

STEP_SECONDS = 1.0


class Waiting:
    """Every sleep of the simulator. `sleep(seconds)` replaces the real one in tests."""

    def __init__(self, sleep: Callable[[float], object] | None = None):
        self._told = False
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait

    @property
    def is_stopping(self) -> bool:
        return self._told

    def stop(self) -> None:
        """End every wait there is and will be. For signal handlers, too."""
        # A second signal may arrive inside set(), which holds a lock it would wait for.
        if not self._told:
            self._told = True
            self._stopping.set()

    def wait(self, seconds: float) -> None:
        self._sleep(seconds)

    def wait_while(self, is_wanted: Callable[[], bool], seconds: float) -> None:
        """Wait at most `seconds`, looking every second whether it is still wanted."""
        left = seconds
        while left > 0 and not self.is_stopping and is_wanted():
            step = min(STEP_SECONDS, left)
            self._sleep(step)
            left -= step
