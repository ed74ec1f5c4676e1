"""Checks of what comes through Redis: who can write to Redis must not be able to write minutes.

A shard's results are taken only for a slot that was claimed, and only of cages that were planned in
it. A poller has no access to the database and no secret, so the ledger is what tells.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings

from cages.models import PollCycle
from cages.models.cycle import LOST_AFTER, from_ranges
from cages.slots import is_ahead
from neurocage.ids import LARGEST_ID

# While Redis is away, results wait so long in the process that has them. Their cycle is closed
# meanwhile.
HOLD_SECONDS = 3600
# Results are taken so long after their cycle was closed. Until it is closed they are taken at any
# time: while the database is away nobody closes one.
TAKEN_AFTER_CLOSE = timedelta(seconds=HOLD_SECONDS) + LOST_AFTER
# Far more than any shard is given; see `schedule.cut`.
LONGEST_WAIT_SECONDS = 120


class NotPlanned(ValueError):
    """Results that nobody asked for, or too late. They are not written."""


def check_results(
    slot: datetime, cage_ids: Iterable[int], now: datetime, may_be_late: bool = False
) -> None:
    """Raise NotPlanned unless the slot was claimed with all these cages; one query.

    Results of a cycle that was closed longer ago than TAKEN_AFTER_CLOSE are refused too, unless
    they may be late.
    """
    if is_ahead(slot, now):
        raise NotPlanned(f"{slot} is ahead of now")
    cycle = PollCycle.objects.filter(slot=slot).values_list("planned_ids", "finished_at").first()
    if cycle is None:
        raise NotPlanned(f"{slot} was not claimed")
    planned_ids, finished_at = cycle
    is_late = finished_at is not None and finished_at < now - TAKEN_AFTER_CLOSE
    if is_late and not may_be_late:
        raise NotPlanned(f"the cycle of {slot} was closed at {finished_at}")
    others = set(cage_ids) - _planned(planned_ids)
    if others:
        raise NotPlanned(f"{len(others)} cages, such as {min(others)}, were not planned in {slot}")


@lru_cache(maxsize=2)
def _planned(planned_ids: str) -> frozenset[int]:
    # All shards of a slot have the same text, and usually those of the next slot have it too.
    return frozenset(from_ranges(planned_ids))


def check_shard(cage_ids: Sequence[int], *seconds: float) -> None:
    """Raise ValueError for a shard that `schedule.cut` cannot have made."""
    if not 0 < len(cage_ids) <= settings.LARGEST_SHARD:
        raise ValueError(f"a shard of {len(cage_ids)} cages")
    for cage_id in cage_ids:
        if type(cage_id) is not int or not 0 <= cage_id <= LARGEST_ID:
            raise ValueError(f"{cage_id!r} is no id of a cage")
    if not all(0 <= each <= LONGEST_WAIT_SECONDS for each in seconds):
        raise ValueError(f"a shard that begins or lasts too long: {seconds}")
