"""Counts of the minutes of a window by hour or by day, from the roll-ups.

A bucket that lies only partly in the window, such as the one under way, is counted from the minutes
themselves. A day that PostgreSQL begins or ends at another moment than Python is counted from its
hours, and from the minutes where it begins within an hour. The two have time zone data of their
own, and they differ about a midnight that comes twice. In every bucket:
perfect + ok + bad + no answer + not watched = its minutes.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.db.models import Q

from cages.history.summaries import HealthSummary, Percentile, SensorSummary
from cages.history.window import DAY, Window, merged
from cages.models import Health, Outcome, Poll, PollDaily, PollHourly
from cages.models.rollups import LATENCY_BINS, SUMS, bin_bounds, latency_bin
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

    def add_counts(self, counts: Iterable[int], latency_ms_max: int | None) -> None:
        """Add a row of a roll-up. counts: in the order of SUMS."""
        self.counts.update(dict(zip(SUMS, counts, strict=True)))
        self._note_longest(latency_ms_max)

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


def whole_since(buckets: Iterable[Bucket], moment: datetime | None) -> list[Bucket]:
    """The Buckets that begin at the moment or later; all of them where it is None."""
    return [one for one in buckets if moment is None or one.window.start >= moment]


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
# A span, and the start of the bucket that it is counted in.
Piece = tuple[Window, datetime]
MINUTES_OF_AN_HOUR = 60


def buckets_of(cage_ids: Iterable[int], window: Window, by_hour: bool) -> dict[int, list[Bucket]]:
    """{cage id: [Bucket], oldest first}; three queries at most, however many cages and buckets."""
    days = [] if by_hour else window.days()
    parts = window.hours() if by_hour else [part for _day, part in days]
    found = {cage_id: {part.start: Bucket(part) for part in parts} for cage_id in cage_ids}
    if not found or not parts:
        return {cage_id: [] for cage_id in found}
    whole = [part for day, part in days if part == Window.whole_day(day)]
    misfits = _add_days(found, whole) if whole else []
    cut = [] if by_hour else sorted(set(parts) - set(whole), key=lambda part: part.start)
    by_minute = [(part, part.start) for part in cut]
    hours = [
        (hour, part.start) for part in (parts if by_hour else misfits) for hour in part.hours()
    ]
    _add_hours(found, [piece for piece in hours if piece[0].minutes == MINUTES_OF_AN_HOUR])
    by_minute += [piece for piece in hours if piece[0].minutes < MINUTES_OF_AN_HOUR]
    _add_minutes(found, sorted(by_minute, key=lambda piece: piece[0].start))
    return {cage_id: list(buckets.values()) for cage_id, buckets in found.items()}


def _add_days(found: Found, whole: list[Window]) -> list[Window]:
    """Add these days from their roll-up; returns those that it does not know with these bounds."""
    around = Window(whole[0].start - DAY, whole[-1].end + DAY)
    ends = {day.start: day.end for day in _whole_days(around)}
    rows = PollDaily.objects.within(list(found), around.start, around.end)
    columns = ("cage_id", "bucket", "until", "latency_ms_max", *SUMS)
    others, fitting = [], []
    for row in rows.with_until(settings.FACILITY_TIME_ZONE).values_list(*columns):
        _cage_id, start, until, *_counts = row
        if ends.get(start) == until:
            fitting.append(row)
        else:
            others.append(Window(start, until))
    spans = list(merged(sorted(others, key=lambda span: span.start)))
    misfits = [day for day in whole if any(s.start < day.end and day.start < s.end for s in spans)]
    counted = {day.start for day in whole} - {day.start for day in misfits}
    for cage_id, start, _until, longest, *counts in fitting:
        if start in counted:
            found[cage_id][start].add_counts(counts, longest)
    return misfits


def _whole_days(window: Window) -> Iterator[Window]:
    """Every facility day that has a minute in the window, whole."""
    return (Window.whole_day(day) for day, _part in window.days())


def _add_hours(found: Found, pieces: list[Piece]) -> None:
    """Count these UTC hours from their roll-up."""
    if not pieces:
        return
    bucket_of = {hour.start: start for hour, start in pieces}
    within = _in_spans("bucket", [hour for hour, _start in pieces])
    rows = PollHourly.objects.filter(within, cage__in=list(found))
    for cage_id, start, longest, *counts in rows.values_list(
        "cage_id", "bucket", "latency_ms_max", *SUMS
    ):
        found[cage_id][bucket_of[start]].add_counts(counts, longest)


def _add_minutes(found: Found, pieces: list[Piece]) -> None:
    """Count the pieces, oldest first, from the minutes. Usually there are two at most."""
    if not pieces:
        return
    starts = [piece[0].start for piece in pieces]
    polls = Poll.objects.filter(
        _in_spans("slot", [span for span, _start in pieces]), cage__in=list(found)
    )
    columns = ("cage_id", "slot", "outcome", "status", "latency_ms")
    for cage_id, slot, *poll in polls.values_list(*columns):
        _span, start = pieces[bisect_right(starts, slot) - 1]
        found[cage_id][start].add_poll(*poll)


def _in_spans(field: str, spans: list[Window]) -> Q:
    """The condition that the field lies in one of these spans, which are in order."""
    within = Q()
    for span in merged(spans):
        within |= Q(**{f"{field}__gte": span.start, f"{field}__lt": span.end})
    return within
