"""How much of one thing may be taken: a bucket of units that fills again, over all processes.

A bucket holds `most` units. It loses those that are taken, and gets `most` again in each minute,
evenly. Redis keeps one number for each bucket: the moment at which it will be full again. Taking
units puts it off; a bucket that was never used is full.
"""

import functools
import logging
import math
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from redis.commands.core import Script
from redis.exceptions import RedisError

from neurocage import redis_server

logger = logging.getLogger(__name__)
FILLS_IN = timedelta(minutes=1)
# While Redis is away, this process keeps at most so many buckets, and lets others pass.
NAMES_AT_MOST = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# In one step, or two processes could take the same units. All numbers are microseconds: now, what
# the units take to come back, and what an empty bucket takes to fill. Returns whether they were
# taken, and how long the bucket takes to fill from now on. A clock that was ahead may have left a
# moment that is further away than an empty bucket fills in.
TAKE = """
local now, cost, whole = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local rest = tonumber(redis.call('GET', KEYS[1]) or now) - now
rest = math.min(math.max(rest, 0), whole)
local taken = rest + cost <= whole
if taken then rest = rest + cost end
redis.call('SET', KEYS[1], string.format('%.0f', now + rest), 'PX', math.ceil(rest / 1000))
return {taken and 1 or 0, rest}
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """left: whole units in the bucket. seconds: until those that were asked for are there."""

    left: int
    seconds: int


def take(name: str, most: int, now: datetime, units: int = 1) -> Refusal | None:
    """Take the units from the bucket of `name`, which holds `most`; None if they were there.

    What is refused costs nothing. units: at most `most`.
    While Redis is away, each process has buckets of its own: too many answers are better than none.
    """
    each = FILLS_IN / most // MICROSECOND
    key = f"neurocage:bucket:{name}"
    numbers = ((now - EPOCH) // MICROSECOND, units * each, most * each)
    try:
        is_taken, rest = _script(settings.REDIS_URL)(keys=[key], args=numbers)
    except RedisError as error:
        logger.warning("Requests are not counted over all processes: %s", error)
        is_taken, rest = _own_buckets.take(name, *numbers)
    if is_taken:
        return None
    wait = (rest + units * each - most * each) * MICROSECOND
    return Refusal(most - math.ceil(rest / each), math.ceil(wait / timedelta(seconds=1)))


@functools.cache
def _script(url: str) -> Script:
    return redis_server.keep_connected(url).register_script(TAKE)


class _OwnBuckets:
    """The buckets of this process, while Redis is away. The numbers are those of TAKE."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._full_at: dict[str, int] = {}

    def take(self, name: str, now: int, cost: int, whole: int) -> tuple[int, int]:
        with self._lock:
            if name not in self._full_at and len(self._full_at) >= NAMES_AT_MOST:
                self._full_at = {each: at for each, at in self._full_at.items() if at > now}
                if len(self._full_at) >= NAMES_AT_MOST:
                    return 1, cost
            rest = min(max(self._full_at.get(name, now) - now, 0), whole)
            is_taken = rest + cost <= whole
            rest += cost * is_taken
            self._full_at[name] = now + rest
            return int(is_taken), rest


_own_buckets = _OwnBuckets()
