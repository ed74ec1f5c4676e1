"""Whether the ledger balances: within each cycle, and with the rows that were kept.

For every slot planned = the sum over outcomes, as many sensor requests of each outcome lie in the
table as the cycle counts, and the answered ones, and only those, have a reading. Rows without a
cycle do not balance either: whatever writes minutes, the demonstration too, writes their cycles.

Purged cages are no fault: their rows are gone, while the ledger keeps its counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from django.db.models import Count, Exists, OuterRef, Q

from cages.history.window import Window
from cages.models import Cage, Outcome, PollCycle, Reading, SensorRequest
from cages.models.cycle import OUTCOME_COUNTS
from cages.polling.schedule import LOST_AFTER, from_ranges
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


@dataclass(slots=True)
class _Rows:
    """What lies in the tables for one slot."""

    requests: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    readings: int = 0
    stray_readings: int = 0


def check(window: Window, now: datetime, most: int = 100) -> LedgerCheck:
    """Check every slot of the window; lists up to `most` imbalances.

    Four queries for each hour; at most twelve for one with missing rows.
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


def _check_step(window, now):
    """(cycles, imbalances) of a short window.

    Between two of its queries a late shard may be recorded or a purge go on, so what does not
    balance is looked at once more: a fault is what is seen twice.
    """
    cycles, imbalances = _look(window, now)
    if imbalances:
        cycles, seen_again = _look(window, now)
        imbalances = [imbalance for imbalance in seen_again if imbalance in set(imbalances)]
    return cycles, imbalances


def _look(window, now):
    cycles = list(PollCycle.objects.filter(**_in(window)).order_by("slot"))
    return cycles, _imbalances(cycles, _rows(window), now)


def _in(window):
    return {"slot__gte": window.start, "slot__lt": window.end}


def _measured(model, window):
    """The rows of the window. No index leads by slot: through the cages the one by cage serves."""
    return model.objects.filter(**_in(window), cage__in=Cage.objects.values("id"))


def _rows(window):
    """{slot: _Rows} for each slot of the window that has any row; three queries."""
    found = {}
    by_outcome = {
        f"as_{outcome.word}": Count("slot", filter=Q(outcome=outcome)) for outcome in Outcome
    }
    for counts in _measured(SensorRequest, window).values("slot").annotate(**by_outcome):
        rows = found.setdefault(counts["slot"], _Rows())
        rows.requests = {outcome: counts[f"as_{outcome.word}"] for outcome in Outcome}
    readings = _measured(Reading, window)
    for slot, count in _by_slot(readings):
        found.setdefault(slot, _Rows()).readings = count
    answered = SensorRequest.objects.filter(
        **_in(window),
        outcome=Outcome.ANSWERED,
        cage_id=OuterRef("cage_id"),
        slot=OuterRef("slot"),
    )
    for slot, count in _by_slot(readings.filter(~Exists(answered))):
        found.setdefault(slot, _Rows()).stray_readings = count
    return found


def _by_slot(queryset):
    return queryset.values("slot").annotate(count=Count("cage_id")).values_list("slot", "count")


def _imbalances(cycles, rows, now):
    """A list, oldest first; asks which cages are left only where rows are missing."""
    left = _CagesLeft()
    by_slot = {cycle.slot: cycle for cycle in cycles}
    found = []
    for slot in sorted({*by_slot, *rows}):
        kept = rows.get(slot) or _Rows()
        if slot not in by_slot:
            phrases = _without_cycle(kept)
        elif _is_under_way(by_slot[slot], now):
            phrases = []
        else:
            phrases = [*_within(by_slot[slot]), *_between(by_slot[slot], kept, left)]
        found += [Imbalance(slot, phrase) for phrase in phrases]
    return found


def _is_under_way(cycle, now):
    return cycle.finished_at is None and cycle.slot >= now - LOST_AFTER


def _without_cycle(kept) -> Iterator[str]:
    requests = sum(kept.requests.values())
    yield f"no cycle, but {_of(requests, 'request')} and {_of(kept.readings, 'reading')}"


def _within(cycle) -> Iterator[str]:
    if cycle.finished_at is None:
        minutes = LOST_AFTER // SLOT_LENGTH
        yield f"still open after {minutes} minutes: {cycle.recorded} of {cycle.planned} recorded"
    elif cycle.recorded != cycle.planned:
        yield f"planned {cycle.planned}, but its outcomes add up to {cycle.recorded}"


def _between(cycle, kept, left) -> Iterator[str]:
    """Where the cycle and the rows of its slot disagree. left: a `_CagesLeft`."""
    counted = {outcome: getattr(cycle, word) for outcome, word in OUTCOME_COUNTS.items()}
    differing = [outcome for outcome in Outcome if kept.requests[outcome] != counted[outcome]]
    too_many = any(kept.requests[outcome] > counted[outcome] for outcome in differing)
    missing = sum(counted[outcome] - kept.requests[outcome] for outcome in differing)
    if too_many or (missing and missing > left.without_rows(cycle.planned_ids)):
        for outcome in differing:
            yield (
                f"{counted[outcome]} {outcome.word} in the ledger, "
                f"but {_of(kept.requests[outcome], 'request')}"
            )
    if kept.stray_readings:
        yield f"{_of(kept.stray_readings, 'reading')} without an answered request"
    answered = kept.requests[Outcome.ANSWERED]
    bare = answered - (kept.readings - kept.stray_readings)
    # A purge takes a cage's readings and requests in steps of their own; see cages.storage.purge.
    if bare and bare > left.being_purged(cycle.planned_ids):
        yield f"{_of(bare, 'answered request')} without a reading"


class _CagesLeft:
    """Which planned cages can still have all their rows; two queries at most, when first asked."""

    def __init__(self):
        self._with_rows = self._ordered = None
        # Hour after hour the same cages are planned.
        self.without_rows = lru_cache(self._without_rows)
        self.being_purged = lru_cache(self._being_purged)

    def _without_rows(self, planned_ids: str) -> int:
        """How many were purged, or are being purged."""
        if self._with_rows is None:
            cages = Cage.objects.filter(purge_ordered_at=None)
            self._with_rows = set(cages.values_list("id", flat=True).iterator())
        return sum(cage_id not in self._with_rows for cage_id in from_ranges(planned_ids))

    def _being_purged(self, planned_ids: str) -> int:
        if self._ordered is None:
            cages = Cage.objects.exclude(purge_ordered_at=None)
            self._ordered = set(cages.values_list("id", flat=True).iterator())
        return sum(cage_id in self._ordered for cage_id in from_ranges(planned_ids))


def _of(count, thing):
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
