"""Which cages are due in a slot, and how their polls are cut into shards and spread."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from cages.models import Cage, PollCycle
from cages.models.cycle import LOST_AFTER, from_ranges, to_ranges
from cages.slots import SLOT_LENGTH

logger = logging.getLogger(__name__)

# Polls a second that any sensor gateway can answer, and the part of the minute over which polls
# are spread. The rest of the minute is for the last answers and for recording them.
GENTLE_RATE = 50
LONGEST_SPREAD_SECONDS = 44
SECONDS_FOR_THE_LAST = 10
CLOSE_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of a slot's cages. The polls begin `begin_seconds` after the slot's start."""

    cage_ids: list[int]
    begin_seconds: float
    spread_seconds: float


def claim(slot: datetime, now: datetime) -> list[int] | None:
    """Open the slot's cycle and return the ids that are due; None if it was claimed before.

    There is one row for each slot, so a second beat or a repeated message changes nothing.
    """
    with transaction.atomic():
        cage_ids = list(Cage.objects.polled().order_by("id").values_list("id", flat=True))
        _, created = PollCycle.objects.get_or_create(
            slot=slot,
            defaults={
                "started_at": now,
                "planned": len(cage_ids),
                "planned_ids": to_ranges(cage_ids),
                # A cycle without cages is complete: Neurocage was running.
                "finished_at": None if cage_ids else now,
                "duration_ms": None if cage_ids else 0,
            },
        )
    return cage_ids if created else None


def cut(cage_ids: list[int], shard_size: int | None = None, late_seconds: float = 0) -> list[Shard]:
    """Cut a slot's cages into shards whose polls together are spread evenly over the minute.

    In a slot that begins late they are asked up to twice as fast. The pollers skip those that do
    not fit.
    """
    size = shard_size or settings.POLL_SHARD_SIZE
    spread = min(LONGEST_SPREAD_SECONDS, len(cage_ids) / GENTLE_RATE)
    left = SLOT_LENGTH.total_seconds() - late_seconds - SECONDS_FOR_THE_LAST
    spread = min(spread, max(left, spread / 2))
    seconds_per_cage = spread / max(len(cage_ids), 1)
    return [
        Shard(
            cage_ids=cage_ids[start : start + size],
            begin_seconds=late_seconds + start * seconds_per_cage,
            spread_seconds=len(cage_ids[start : start + size]) * seconds_per_cage,
        )
        for start in range(0, len(cage_ids), size)
    ]


def lost(now: datetime) -> Iterator[tuple[datetime, list[int]]]:
    """Yield the cycles whose shards are lost, oldest first, a few at a time.

    Each is a pair of slot and planned ids. Recording those ids as skipped balances the ledger,
    because polls that are recorded already do not change.
    """
    cycles = PollCycle.objects.open().filter(slot__lt=now - LOST_AFTER).order_by("slot")
    for cycle in cycles[:CLOSE_AT_MOST]:
        logger.warning("The cycle of %s lost shards: %s", cycle.slot, cycle)
        yield cycle.slot, from_ranges(cycle.planned_ids)
