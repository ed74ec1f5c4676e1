"""The schedule: which slot it is, who is due in it, and how its polls are cut and spread."""

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from cages.models import Cage, PollCycle
from cages.models.cycle import LOST_AFTER, from_ranges, to_ranges
from cages.slots import SLOT_LENGTH

logger = logging.getLogger(__name__)

# Polls a second that any sensor gateway takes, and the part of the minute they may be spread over:
# what is left is for the last answers and their way into the database.
GENTLE_RATE = 50
LONGEST_SPREAD_SECONDS = 44
SECONDS_FOR_THE_LAST = 10
CLOSE_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of a slot's cages, and when to begin asking them: seconds after the slot's start."""

    cage_ids: list[int]
    begin_seconds: float
    spread_seconds: float


def claim(slot, now):
    """Open the slot's cycle and return the ids due in it; None where it was claimed before.

    The one row per slot is what makes a second beat or a repeated message harmless.
    """
    with transaction.atomic():
        cage_ids = list(Cage.objects.polled().order_by("id").values_list("id", flat=True))
        _, created = PollCycle.objects.get_or_create(
            slot=slot,
            defaults={
                "started_at": now,
                "planned": len(cage_ids),
                "planned_ids": to_ranges(cage_ids),
                # Nobody to ask is a whole cycle: Neurocage was there.
                "finished_at": None if cage_ids else now,
                "duration_ms": None if cage_ids else 0,
            },
        )
    return cage_ids if created else None


def cut(cage_ids, shard_size=None, late_seconds=0):
    """Cut a slot's cages into shards whose polls together are spread evenly over the minute.

    In a slot that begins late they are asked up to twice as fast; what does not fit is skipped.
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


def lost(now):
    """The cycles whose shards will not come any more, oldest first, a few at a time.

    Yields (slot, planned ids); recording those ids as skipped balances the ledger, since what was
    recorded before stays.
    """
    cycles = PollCycle.objects.open().filter(slot__lt=now - LOST_AFTER).order_by("slot")
    for cycle in cycles[:CLOSE_AT_MOST]:
        logger.warning("The cycle of %s lost shards: %s", cycle.slot, cycle)
        yield cycle.slot, from_ranges(cycle.planned_ids)
