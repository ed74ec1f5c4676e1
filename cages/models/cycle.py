"""The ledger: one row for each slot that Neurocage set out to ask."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import models
from django.db.models import Count, Max, Min, Subquery, Sum

from cages.models.cage import Cage
from cages.models.poll import Outcome
from cages.slots import FUTURE_TOLERANCE, is_ahead

OUTCOME_COUNTS = {outcome: outcome.word for outcome in Outcome}
# A cycle still open after this long has lost shards: every message has expired or is done by then.
LOST_AFTER = timedelta(minutes=10)


def runs_of(ascending: Iterable[int]) -> list[list[int]]:
    """[[first, last]] of the runs in rising numbers: 2, 3, 4, 7 are [2, 4] and [7, 7]."""
    runs: list[list[int]] = []
    for number in ascending:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


def to_ranges(ascending_ids: Iterable[int]) -> str:
    """[1, 2, 3, 7] as "1-3,7": a line of text for the usual 50,000 cages."""
    runs = runs_of(ascending_ids)
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def from_ranges(text: str) -> list[int]:
    """The ids that `to_ranges` wrote."""
    ids: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        ids.extend(range(int(first), int(last or first) + 1))
    return ids


@dataclass(frozen=True, slots=True)
class SpanAhead:
    """The cycles that are recorded ahead of now. first, last, planned: None where count is 0."""

    count: int
    first: datetime | None
    last: datetime | None
    planned: int | None


class PollCycleQuerySet(models.QuerySet["PollCycle"]):
    def open(self) -> "PollCycleQuerySet":
        return self.filter(finished_at=None)

    def finished(self) -> "PollCycleQuerySet":
        return self.exclude(finished_at=None)

    def ahead(self, now: datetime) -> "PollCycleQuerySet":
        """The cycles of slots that cannot have begun yet: a clock is wrong, or was."""
        return self.filter(slot__gt=now + FUTURE_TOLERANCE)

    def span_ahead(self, now: datetime) -> "SpanAhead":
        """How many cycles are ahead of now, and from when to when; one query."""
        row = self.ahead(now).aggregate(
            count=Count("slot"), first=Min("slot"), last=Max("slot"), planned=Sum("planned")
        )
        return SpanAhead(**row)

    def until(self, now: datetime) -> "PollCycleQuerySet":
        """All other cycles."""
        return self.filter(slot__lte=now + FUTURE_TOLERANCE)

    def version(self, now: datetime) -> list[tuple[Any, ...]]:
        """Changes with whatever is recorded and whatever a person changes of a cage; one query."""
        changed = Cage.objects.order_by("-updated_at").values("updated_at")[:1]
        return list(
            self.until(now)
            .order_by("-slot")
            .annotate(changed=Subquery(changed))
            .values_list("slot", "finished_at", "changed", *OUTCOME_COUNTS.values())[:2]
        )

    def watch(self, now: datetime) -> "Watch":
        """How well Neurocage itself is watching; one query, on every page."""
        # The ids of scattered cages are long, and nobody who looks at a page reads them.
        lines = self.defer("planned_ids").order_by("-slot")
        known = lines.until(now)
        found: list[PollCycle] = list(
            known[:1].union(known.finished()[:1], lines.ahead(now)[:1], all=True)
        )
        cycles = [cycle for cycle in found if not is_ahead(cycle.slot, now)]
        finished = [cycle for cycle in cycles if cycle.finished_at]
        return Watch(
            newest=max(cycles, key=lambda cycle: cycle.slot, default=None),
            last_finished=max(finished, key=lambda cycle: cycle.slot, default=None),
            now=now,
            ahead=next((cycle for cycle in found if is_ahead(cycle.slot, now)), None),
        )


class PollCycle(models.Model):
    """All polls of one slot. planned = the sum over outcomes once it is finished."""

    # Without a cycle that finished for this long, something in Neurocage itself is not running.
    STALE_AFTER = timedelta(minutes=2)
    # A minute is started in its first seconds, so the next one is 30 s late by then. A dead beat is
    # known from this within 90 s; the cycle that it started last may still finish for a minute.
    OVERDUE_AFTER = timedelta(seconds=90)

    slot = models.DateTimeField(primary_key=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.IntegerField(null=True)
    planned = models.IntegerField()
    # The ids planned, as ranges ("1-48,50"), so that lost shards can be told from finished ones.
    planned_ids = models.TextField(default="")
    answered = models.IntegerField(default=0)
    unavailable = models.IntegerField(default=0)
    timeout = models.IntegerField(default=0)
    connection_error = models.IntegerField(default=0)
    http_error = models.IntegerField(default=0)
    malformed = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)

    objects = PollCycleQuerySet.as_manager()

    class Meta:
        indexes = [
            # A handful of rows at any time: the cycles still under way.
            models.Index(
                fields=["slot"], name="cages_pollcycle_open", condition=models.Q(finished_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.slot:%Y-%m-%d %H:%M}Z: {self.recorded} of {self.planned} recorded"

    @property
    def counts(self) -> list[int]:
        """How many polls ended in each outcome, in the outcomes' order."""
        return [getattr(self, word) for word in OUTCOME_COUNTS.values()]

    @property
    def recorded(self) -> int:
        return sum(self.counts)

    @property
    def asked(self) -> int:
        return self.planned - self.skipped

    @property
    def duration_seconds(self) -> float | None:
        return None if self.duration_ms is None else self.duration_ms / 1000


class Trouble(StrEnum):
    """What keeps Neurocage from watching."""

    NO_CYCLE_YET = "no_cycle_yet"
    # Beat, the worker that starts minutes, or Redis between them.
    NOT_STARTED = "not_started"
    # Minutes are started; the poller, or the worker that records, does not do its part.
    NOT_FINISHED = "not_finished"
    # The clock is wrong, or it was: something is recorded ahead of now.
    CLOCK_WRONG = "clock_wrong"


@dataclass(frozen=True, slots=True)
class Watch:
    """How well Neurocage itself is watching, told from the ledger.

    ahead: the newest cycle that is recorded ahead of now. The other two are not ahead of now.
    """

    newest: PollCycle | None
    last_finished: PollCycle | None
    now: datetime
    ahead: PollCycle | None = None

    @property
    def ahead_by(self) -> timedelta:
        """How far ahead of now anything is recorded; zero where nothing is."""
        return self.ahead.slot - self.now if self.ahead else timedelta()

    @property
    def finished_at(self) -> datetime | None:
        """When the last full cycle ended.

        A clock that was set forward meanwhile noted an end that is ahead of now. Such a cycle
        counts as ended when it began.
        """
        cycle = self.last_finished
        if cycle is None or cycle.finished_at is None:
            return None
        return cycle.slot if is_ahead(cycle.finished_at, self.now) else cycle.finished_at

    @property
    def trouble(self) -> Trouble | None:
        """None where all goes well."""
        if self.newest is None:
            return Trouble.CLOCK_WRONG if self.ahead else Trouble.NO_CYCLE_YET
        # First, as what is not started is not finished either.
        if self.now - self.newest.slot > PollCycle.OVERDUE_AFTER:
            return Trouble.NOT_STARTED
        if self.finished_at is None or self.now - self.finished_at > PollCycle.STALE_AFTER:
            return Trouble.NOT_FINISHED
        return Trouble.CLOCK_WRONG if self.ahead else None
