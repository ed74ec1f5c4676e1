"""Keeps the log short while the database is away and every request ends with 503."""

import logging
import time
from collections.abc import Callable

LOGGED_EVERY_SECONDS = 60
UNAVAILABLE = 503


class OneUnavailableAMinute(logging.Filter):
    """Passes one record of a 503 a minute in each process, in one line with what the error said."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.now = now
        self._logged_at = -float("inf")
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) != UNAVAILABLE:
            return True
        if self.now() < self._logged_at + LOGGED_EVERY_SECONDS:
            self._left_out += 1
            return False
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            text += f": {' '.join(str(record.exc_info[1]).split())}"
        if self._left_out:
            text += f" ({self._left_out} more since the last line)"
        record.msg, record.args, record.exc_info = text, (), None
        self._logged_at, self._left_out = self.now(), 0
        return True
