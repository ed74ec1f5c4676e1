"""Whether the ledger balances: within each cycle, and with the rows that were kept.

For every slot planned = the sum over outcomes, and the table has as many polls of each outcome as
the cycle counts. Polls without a cycle do not balance either: everything that writes
minutes, also the demonstration, writes their cycles.

Purged cages are no fault: their rows are gone, while the ledger keeps its counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

from django.db.models import Count, Q

from cages.history.window import Window
from cages.models import Cage, Outcome, Poll, PollCycle
from cages.models.cycle import LOST_AFTER, OUTCOME_COUNTS, from_ranges
from cages.slots import SLOT_LENGTH

# The rows of one step are counted by the database, and its cycles held in memory.
STEP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Imbalance:
    """One thing that does not balance in one slot; `what` is a phrase for people."""

    slot: datetime
    what: str


@dataclass(slots=True)
class LedgerCheck:
    """minutes = cycles + not_watched; cycles under way are counted, but not checked."""

    minutes: int = 0
    cycles: int = 0
    under_way: int = 0
    polls: int = 0
    """Planned in the cycles that were checked."""
    imbalance_count: int = 0
    imbalances: list[Imbalance] = field(default_factory=list)
    """The first ones, oldest first; `imbalance_count` knows them all."""

    @property
    def not_watched(self) -> int:
        return self.minutes - self.cycles

    @property
    def balances(self) -> bool:
        return not self.imbalance_count

    @property
    def not_listed(self) -> int:
        return self.imbalance_count - len(self.imbalances)


def check(window: Window, now: datetime, most: int = 100) -> LedgerCheck:
    """Check every slot of the window; lists up to `most` imbalances.

    Two queries for each hour; at most six for one that does not balance.
    """
    result = LedgerCheck(minutes=window.minutes)
    start = window.start
    while start < window.end:
        end = min(start + STEP, window.end)
        cycles, imbalances = _check_step(Window(start, end), now)
        under_way = sum(_is_under_way(cycle, now) for cycle in cycles)
        result.cycles += len(cycles)
        result.under_way += under_way
        result.polls += sum(cycle.planned for cycle in cycles if not _is_under_way(cycle, now))
        result.imbalance_count += len(imbalances)
        result.imbalances += imbalances[: most - len(result.imbalances)]
        start = end
    return result


def _check_step(window: Window, now: datetime) -> tuple[list[PollCycle], list[Imbalance]]:
    """(cycles, imbalances) of a short window.

    Between two of its queries a late shard may be recorded or a purge go on, so what does not
    balance is looked at once more: a fault is what is seen twice.
    """
    cycles, imbalances = _look(window, now)
    if imbalances:
        cycles, seen_again = _look(window, now)
        imbalances = [imbalance for imbalance in seen_again if imbalance in set(imbalances)]
    return cycles, imbalances


def _look(window: Window, now: datetime) -> tuple[list[PollCycle], list[Imbalance]]:
    cycles = list(
        PollCycle.objects.filter(slot__gte=window.start, slot__lt=window.end).order_by("slot")
    )
    return cycles, _imbalances(cycles, _rows(window), now)


def _rows(window: Window) -> dict[datetime, dict[Outcome, int]]:
    """{slot: {Outcome: how many polls}} for each slot of the window that has any; one query."""
    by_outcome = {outcome.word: Count("slot", filter=Q(outcome=outcome)) for outcome in Outcome}
    # No index leads by slot. The one by cage serves where the cages are named.
    polls = Poll.objects.within(Cage.objects.values_list("pk", flat=True), window).values("slot")
    rows = polls.annotate(**by_outcome).values_list("slot", *by_outcome)
    return {slot: dict(zip(Outcome, counts, strict=True)) for slot, *counts in rows}


def _imbalances(
    cycles: Iterable[PollCycle], rows: dict[datetime, dict[Outcome, int]], now: datetime
) -> list[Imbalance]:
    """Oldest first. Asks the database which cages are left only where rows are missing."""
    left = _CagesLeft()
    by_slot = {cycle.slot: cycle for cycle in cycles}
    found = []
    for slot in sorted({*by_slot, *rows}):
        kept = rows.get(slot) or dict.fromkeys(Outcome, 0)
        cycle = by_slot.get(slot)
        if cycle is None:
            phrases = [f"no cycle, but {_polls(sum(kept.values()))}"]
        elif _is_under_way(cycle, now):
            phrases = []
        else:
            phrases = [*_within(cycle), *_between(cycle, kept, left)]
        found += [Imbalance(slot, phrase) for phrase in phrases]
    return found


def _is_under_way(cycle: PollCycle, now: datetime) -> bool:
    return cycle.finished_at is None and cycle.slot >= now - LOST_AFTER


def _within(cycle: PollCycle) -> Iterator[str]:
    if cycle.finished_at is None:
        minutes = LOST_AFTER // SLOT_LENGTH
        yield f"still open after {minutes} minutes: {cycle.recorded} of {cycle.planned} recorded"
    elif cycle.recorded != cycle.planned:
        yield f"planned {cycle.planned}, but its outcomes add up to {cycle.recorded}"


def _between(cycle: PollCycle, kept: dict[Outcome, int], left: "_CagesLeft") -> Iterator[str]:
    """Where the cycle and the polls of its slot disagree."""
    counted = {outcome: getattr(cycle, word) for outcome, word in OUTCOME_COUNTS.items()}
    differing = [outcome for outcome in Outcome if kept[outcome] != counted[outcome]]
    too_many = any(kept[outcome] > counted[outcome] for outcome in differing)
    missing = sum(counted[outcome] - kept[outcome] for outcome in differing)
    if too_many or (missing and missing > left.without_rows(cycle.planned_ids)):
        for outcome in differing:
            yield (f"{counted[outcome]} {outcome.word} in the ledger, but {_polls(kept[outcome])}")


class _CagesLeft:
    """Which planned cages can still have all their polls; one query, when first asked."""

    def __init__(self) -> None:
        # Hour after hour the same cages are planned.
        self.without_rows = lru_cache(self._without_rows)

    @cached_property
    def _with_rows(self) -> set[int]:
        cages = Cage.objects.filter(purge_ordered_at=None)
        return set(cages.values_list("id", flat=True))

    def _without_rows(self, planned_ids: str) -> int:
        """How many were purged, or are being purged."""
        return sum(cage_id not in self._with_rows for cage_id in from_ranges(planned_ids))


def _polls(count: int) -> str:
    return f"{count} poll" if count == 1 else f"{count} polls"
