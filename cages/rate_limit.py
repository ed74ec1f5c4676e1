"""How many requests in a minute, counted in Redis over all processes."""

import logging
import math
import threading
from datetime import datetime, timedelta

from django.core.cache import cache
from redis.exceptions import RedisError

from cages.slots import SLOT_LENGTH, slot_of

logger = logging.getLogger(__name__)
KEPT_SECONDS = (2 * SLOT_LENGTH).total_seconds()
# While Redis is away, this process counts at most so many names in a minute, and lets others pass.
NAMES_AT_MOST = 10_000


class _OwnCounts:
    """What this process counted in the present minute, while Redis is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute: datetime | None = None
        self._counts: dict[str, int] = {}

    def add(self, name: str, units: int, now: datetime) -> int:
        with self._lock:
            if self._minute != slot_of(now):
                self._minute, self._counts = slot_of(now), {}
            if name not in self._counts and len(self._counts) >= NAMES_AT_MOST:
                return units
            self._counts[name] = self._counts.get(name, 0) + units
            return self._counts[name]


_own_counts = _OwnCounts()


def is_within(name: str, most: int, now: datetime) -> bool:
    """Count one request of `name`; whether there were at most `most` in this minute of the clock.

    While Redis is away, each process counts for itself: too many answers are better than none.
    """
    return count_of(name, now) <= most


def count_of(name: str, now: datetime, units: int = 1) -> int:
    """Count `units` of `name`; returns how many there were in this minute of the clock.

    Negative units give back what was counted for something that was then refused.
    While Redis is away, each process counts for itself.
    """
    key = f"rate:{name}:{slot_of(now):%H%M}"
    try:
        # Redis counts: if processes read and then wrote, requests would get lost between them.
        cache.add(key, 0, timeout=KEPT_SECONDS)
        return int(cache.incr(key, units))
    except (RedisError, ValueError) as error:
        # ValueError: the key expired between the two calls.
        logger.warning("Requests are not counted over all processes: %s", error)
        return _own_counts.add(name, units, now)


def seconds_to_wait(now: datetime) -> int:
    """Seconds until the next minute."""
    return math.ceil((slot_of(now) + SLOT_LENGTH - now) / timedelta(seconds=1))
