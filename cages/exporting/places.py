"""So many files at once: each holds a thread of the web server until it is sent, and the pages need
some too."""

from threading import BoundedSemaphore

# In one process; gunicorn.conf.py gives each 8 threads.
AT_ONCE = 3
_places = BoundedSemaphore(AT_ONCE)


class Sending:
    """The pieces of a file while it is sent. Its place is free at its end, however it ends."""

    def __init__(self, pieces):
        self._pieces = pieces
        self._is_held = True

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._pieces)

    def close(self):
        """What a web server calls at the end, also where the receiver is gone."""
        if self._is_held:
            self._is_held = False
            # First, as closing the pieces could fail.
            _places.release()
            self._pieces.close()

    # For what never came so far as to be closed.
    __del__ = close


def take():
    """Whether there was a place left, which is taken now: for a Sending."""
    return _places.acquire(blocking=False)
