"""Counts of the minutes of a window by hour or by day, from the roll-ups.

A bucket that lies only partly in the window, such as the one under way, is counted from the minutes
themselves. So are the two days around a midnight that comes twice. In every bucket:
perfect + ok + bad + no answer + not watched = its minutes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.db.models import Q
from django.utils import timezone

from cages.history.today import HealthSummary, Percentile, SensorSummary
from cages.history.window import DAY, HOUR, Window, midnight_comes_twice
from cages.models import Health, Outcome, Poll, PollDaily, PollHourly
from cages.models.rollups import LATENCY_BINS, SUMS, RollupQuerySet, bin_bounds, latency_bin
from cages.slots import slot_of


@dataclass
class Bucket:
    """The part of one hour or day that lies in the window.

    counts: {one of SUMS: how many polls}. Its `health` and `sensor` are kept once they are read,
    so read them when it is complete.
    """

    window: Window
    counts: Counter[str] = field(default_factory=Counter)
    latency_ms_max: int | None = None

    @property
    def minutes(self) -> int:
        return self.window.minutes

    @property
    def known(self) -> int:
        """How many minutes have a reading."""
        return self.counts[Outcome.ANSWERED.word]

    @property
    def planned(self) -> int:
        return sum(self.counts[outcome.word] for outcome in Outcome)

    @cached_property
    def health(self) -> HealthSummary:
        asked = self.planned - self.counts[Outcome.SKIPPED.word]
        return HealthSummary(
            minutes=self.minutes,
            by_status={health: self.counts[health.word] for health in Health},
            unanswered=asked - self.known,
            not_watched=self.minutes - asked,
        )

    @cached_property
    def sensor(self) -> SensorSummary:
        """Its percentiles are estimates from the LATENCY_BINS."""
        return SensorSummary(
            by_outcome={outcome: self.counts[outcome.word] for outcome in Outcome},
            p50=percentile(self.counts, self.latency_ms_max, 0.5),
            p95=percentile(self.counts, self.latency_ms_max, 0.95),
            latency_max_ms=self.latency_ms_max,
        )

    def add(self, other: "Bucket") -> None:
        self.counts += other.counts
        self._note_longest(other.latency_ms_max)

    def add_poll(self, outcome: int, status: int | None, latency_ms: int | None) -> None:
        self.counts[Outcome(outcome).word] += 1
        if status is not None:
            self.counts[Health(status).word] += 1
        if outcome == Outcome.ANSWERED and latency_ms is not None:
            self.counts[latency_bin(latency_ms)] += 1
            self._note_longest(latency_ms)

    def _note_longest(self, latency_ms: int | None) -> None:
        known = [ms for ms in (self.latency_ms_max, latency_ms) if ms is not None]
        self.latency_ms_max = max(known, default=None)


def total_of(buckets: Iterable[Bucket], window: Window) -> Bucket:
    """All buckets of a window as one."""
    total = Bucket(window)
    for bucket in buckets:
        total.add(bucket)
    return total


def since(buckets: list[Bucket], moment: datetime) -> list[Bucket]:
    """Return the Buckets from the moment's slot on, the first of them cut there.

    For buckets without any rows before it: a cage has none from before it was created.
    """
    kept = [bucket for bucket in buckets if bucket.window.end > slot_of(moment)]
    for bucket in kept[:1]:
        bucket.window = bucket.window.since(moment)
    return kept


def percentile(bins: Counter[str], longest_ms: int | None, fraction: float) -> Percentile | None:
    """The estimated latency that this fraction of the answers counted in LATENCY_BINS stays under.

    Within a bin the answers are taken as evenly spread, so the error is at most the bin's width.
    longest_ms: the slowest of the answers. None without any.
    """
    answers = sum(bins[name] for name in LATENCY_BINS)
    if not answers or longest_ms is None:
        return None
    wanted = fraction * answers
    for name in LATENCY_BINS:
        if bins[name] and wanted <= bins[name]:
            break
        wanted -= bins[name]
    low, high = bin_bounds(name, longest_ms)
    return Percentile(low + (high - low) * min(wanted / bins[name], 1), low, high)


# {cage id: {start of the bucket: the Bucket}}
Found = dict[int, dict[datetime, Bucket]]


def buckets_of(cage_ids: Iterable[int], window: Window, by_hour: bool) -> dict[int, list[Bucket]]:
    """{cage id: [Bucket], oldest first}; two queries at most, however many cages and buckets."""
    if by_hour:
        parts = window.hours()
        whole = [part for part in parts if part.end - part.start == HOUR]
        rollups: RollupQuerySet = PollHourly.objects.all()
    else:
        days, zone = window.days(), timezone.get_default_timezone()
        parts = [part for _day, part in days]
        whole = [
            part
            for day, part in days
            if part == Window.whole_day(day)
            # PostgreSQL and TimescaleDB begin a day whose midnight comes twice an hour later.
            and not (midnight_comes_twice(day, zone) or midnight_comes_twice(day + DAY, zone))
        ]
        rollups = PollDaily.objects.all()
    found = {cage_id: {part.start: Bucket(part) for part in parts} for cage_id in cage_ids}
    counted = set(whole)
    if whole and found:
        _add_rollups(found, rollups.within(list(found), whole[0].start, whole[-1].end), whole)
    _add_minutes(found, [part for part in parts if part not in counted])
    return {cage_id: list(buckets.values()) for cage_id, buckets in found.items()}


def _add_rollups(found: Found, rows: RollupQuerySet, whole: Iterable[Window]) -> None:
    starts = {part.start for part in whole}
    columns = ("cage_id", "bucket", "latency_ms_max", *SUMS)
    for cage_id, start, longest, *counts in rows.values_list(*columns):
        if start in starts:
            bucket = found[cage_id][start]
            bucket.counts.update(dict(zip(SUMS, counts, strict=True)))
            bucket.latency_ms_max = longest


def _add_minutes(found: Found, parts: Sequence[Window]) -> None:
    """Count the parts from the minutes. Usually there are two, at the window's start and end."""
    if not parts or not found:
        return
    within = Q()
    for part in parts:
        within |= Q(slot__gte=part.start, slot__lt=part.end)
    polls = Poll.objects.filter(within, cage__in=list(found))
    columns = ("cage_id", "slot", "outcome", "status", "latency_ms")
    for cage_id, slot, *poll in polls.values_list(*columns):
        part = next(part for part in parts if part.start <= slot < part.end)
        found[cage_id][part.start].add_poll(*poll)
