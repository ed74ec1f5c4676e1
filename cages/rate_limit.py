"""How many requests in a minute, counted in Redis over all processes."""

import logging
import math
from datetime import datetime, timedelta

from django.core.cache import cache
from redis.exceptions import RedisError

from cages.slots import SLOT_LENGTH, slot_of

logger = logging.getLogger(__name__)


def is_within(name: str, most: int, now: datetime) -> bool:
    """Count one request of `name`; whether there were at most `most` in this minute of the clock.

    True while Redis is away: too many answers are better than none.
    """
    key = f"rate:{name}:{slot_of(now):%H%M}"
    try:
        # Redis counts: if processes read and then wrote, requests would get lost between them.
        cache.add(key, 0, timeout=(2 * SLOT_LENGTH).total_seconds())
        return cache.incr(key) <= most
    except (RedisError, ValueError) as error:
        # ValueError: the key expired between the two calls.
        logger.warning("Requests are not counted: %s", error)
        return True


def seconds_to_wait(now: datetime) -> int:
    """Seconds until the next minute."""
    return math.ceil((slot_of(now) + SLOT_LENGTH - now) / timedelta(seconds=1))
