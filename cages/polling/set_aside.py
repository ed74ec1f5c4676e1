"""Results that the database refuses for what is in them: kept apart, in a list in Redis.

They do not hold up other results. `manage.py set_aside` shows them and tries to write them again.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from django.db import DataError, IntegrityError

from cages.operations import outage
from cages.polling.claims import NotPlanned, check_results
from cages.polling.recorder import record_columns
from cages.polling.results import Columns, halves
from neurocage import redis_server

logger = logging.getLogger(__name__)

Record = Callable[[datetime, Columns, datetime], int]
KEY = "neurocage:set-aside"
# Polls in the list. When there are more, the oldest ones go.
KEPT_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class SetAside:
    """One poll, or results that do not fit together. `slot`: seconds since 1970. `why`: the error
    that came of writing it. `at`: an ISO moment.
    """

    slot: int
    columns: Columns
    why: str
    at: str

    @property
    def moment(self) -> datetime:
        """The start of the slot, in UTC."""
        return datetime.fromtimestamp(self.slot, UTC)

    @property
    def cages(self) -> str:
        """Which cages, in words."""
        ids = self.columns.get("cage_id")
        one = isinstance(ids, list) and len(ids) == 1
        return f"cage {ids[0]}" if ids and one else "results that do not fit together"


def write(
    slot: datetime, columns: Columns, now: datetime, record: Record = record_columns
) -> list[SetAside]:
    """Write one shard's results. Those that cannot be written are found and returned.

    record: a function of the recorder. Raises what the database raises while it is not able to
    write anything, and NotPlanned.
    """
    try:
        record(slot, columns, now)
        return []
    except Exception as error:
        if outage.cause_of(error) or isinstance(error, NotPlanned):
            raise
        parts = halves(columns)
        if parts:
            return [each for part in parts for each in write(slot, part, now, record)]
        if isinstance(error, DataError | IntegrityError):
            # Another transaction may have been the reason. What is seen twice is proven.
            try:
                record(slot, columns, now)
                return []
            except (DataError, IntegrityError):
                pass
        return [refused(slot, columns, error, now)]


def refused(slot: datetime, columns: Columns, error: Exception, now: datetime) -> SetAside:
    """What is kept of results that cannot be written because of this error."""
    why = f"{type(error).__name__}: {outage.words_of(error)}"
    return SetAside(int(slot.timestamp()), columns, why, now.isoformat())


def keep(found: Sequence[SetAside]) -> None:
    """Add to the list. Raises RedisError."""
    with redis_server.connect() as redis:
        total = redis.rpush(KEY, *(json.dumps(asdict(each)) for each in found))
        redis.ltrim(KEY, -KEPT_AT_MOST, -1)
    logger.error("%d results cannot be written and are kept aside: %s", len(found), found[0].why)
    if total > KEPT_AT_MOST:
        logger.error("%d that were kept aside are dropped: too many", total - KEPT_AT_MOST)


def count() -> int:
    """Return how many are kept aside. Raises RedisError."""
    with redis_server.connect() as redis:
        return redis.llen(KEY)


def kept() -> list[SetAside]:
    """Return what is kept aside, the oldest first. Raises RedisError."""
    with redis_server.connect() as redis:
        found = redis.lrange(KEY, 0, -1)
    kept = []
    for text in found:
        # Anything may be in Redis.
        with contextlib.suppress(TypeError, ValueError, OverflowError, OSError):
            each = SetAside(**json.loads(text))
            if isinstance(each.columns, dict) and each.moment:
                kept.append(each)
    return kept


def replay(each: SetAside, now: datetime) -> bool:
    """Try to write it again; what is written leaves the list. Returns whether it was.

    Only polls that were planned are written. Raises RedisError, and what the database raises while
    it is not able to write anything.
    """
    try:
        check_results(each.moment, each.columns["cage_id"], now, may_be_late=True)
    except (NotPlanned, KeyError, TypeError):
        return False
    if write(each.moment, each.columns, now):
        return False
    with redis_server.connect() as redis:
        redis.lrem(KEY, 1, json.dumps(asdict(each)))
    return True
