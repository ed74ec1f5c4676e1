"""The pieces of a file on their way to the receiver."""

import time
from collections.abc import Callable, Generator, Iterator

from neurocage.limits import Place

# gunicorn gives each piece SILENT_SECONDS (neurocage/wsgi.py).
PIECE_BYTES = 64 * 1024
# Sending ends if a receiver takes less than this, after it was waited for so many seconds. It holds
# a thread of the web server.
SLOWEST_BYTES_A_SECOND = 16 * 1024
SLOW_SECONDS = 60


class ReceiverTooSlowError(Exception):
    """The receiver did not take the file. What it has is incomplete, and it can tell so."""


class Sending:
    """The pieces of a file while it is sent. However that ends, its place becomes free.

    clock: gives seconds. Raises ReceiverTooSlowError.
    """

    def __init__(
        self,
        pieces: Generator[bytes, None, None],
        place: Place,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = pieces
        self._pieces = self._cut(pieces)
        self._place = place
        self._clock = clock
        self._sent = 0
        self._waited = 0.0
        self._handed_over: float | None = None

    def __iter__(self) -> "Sending":
        return self

    def __next__(self) -> bytes:
        if self._handed_over is not None:
            self._waited += self._clock() - self._handed_over
            if self._waited > max(SLOW_SECONDS, self._sent / SLOWEST_BYTES_A_SECOND):
                raise ReceiverTooSlowError(
                    f"{self._sent} bytes in {self._waited:.0f} s: the export was ended"
                )
        piece = next(self._pieces)
        self._sent += len(piece)
        self._handed_over = self._clock()
        return piece

    @staticmethod
    def _cut(pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            for start in range(0, len(piece), PIECE_BYTES):
                yield piece[start : start + PIECE_BYTES]

    def close(self) -> None:
        """Free the place. Web servers call this at the end, also where the receiver is gone."""
        # First, as closing the pieces could fail.
        self._place.release()
        self._source.close()
