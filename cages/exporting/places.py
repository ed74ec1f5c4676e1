"""The limit on exports at the same time.

Each holds a thread of the web server until it is sent, and pages need threads too.
"""

from collections.abc import Generator
from threading import BoundedSemaphore

# In one process; gunicorn.conf.py gives each 8 threads.
AT_ONCE = 3
_places = BoundedSemaphore(AT_ONCE)


class Sending:
    """The pieces of a file while it is sent. However that ends, its place becomes free."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces = pieces
        self._is_held = True

    def __iter__(self) -> "Sending":
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Free the place. Web servers call this at the end, also where the receiver is gone."""
        if self._is_held:
            self._is_held = False
            # First, as closing the pieces could fail.
            _places.release()
            self._pieces.close()

    # For a response that was never sent.
    __del__ = close


def take() -> bool:
    """Take a place for a Sending. False where none is left."""
    return _places.acquire(blocking=False)
