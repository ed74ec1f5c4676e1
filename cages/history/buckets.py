"""What the minutes of a window add up to, hour by hour or day by day, from the roll-ups.

A bucket that lies only partly in the window, as the one under way does, is counted from the minutes
themselves, and so are the two days around a midnight that comes twice. In every bucket:
perfect + ok + bad + no answer + not watched = its minutes.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from cages.history.minutes import minutes_of
from cages.history.today import HealthSummary, SensorSummary
from cages.history.window import DAY, HOUR, Window, midnight_comes_twice
from cages.models import (
    Health,
    Outcome,
    ReadingDaily,
    ReadingHourly,
    SensorRequest,
    SensorRequestDaily,
    SensorRequestHourly,
)
from cages.models.rollups import LATENCY_BINS, LATENCY_EDGES_MS
from cages.slots import slot_of

OUTCOMES = [outcome.word for outcome in Outcome]
STATUSES = [status.word for status in Health]
SUMS = (*OUTCOMES, *LATENCY_BINS)


@dataclass(slots=True)
class Bucket:
    """The part of one hour or day that lies in the window.

    known: Health -> minutes. requests: Outcome words and LATENCY_BINS -> how many.
    """

    window: Window
    known: Counter = field(default_factory=Counter)
    requests: Counter = field(default_factory=Counter)
    latency_ms_max: int | None = None

    @property
    def minutes(self):
        return self.window.minutes

    @property
    def planned(self):
        return sum(self.requests[word] for word in OUTCOMES)

    @property
    def health(self):
        known = self.known.total()
        asked = self.planned - self.requests[Outcome.SKIPPED.word]
        unanswered = max(asked - known, 0)
        return HealthSummary(
            minutes=self.minutes,
            by_status={status: self.known[status] for status in Health},
            unanswered=unanswered,
            not_watched=self.minutes - known - unanswered,
        )

    @property
    def sensor(self):
        """Its percentiles are told from bins: right to within a bin's width."""
        return SensorSummary(
            by_outcome={outcome: self.requests[outcome.word] for outcome in Outcome},
            latency_p50_ms=percentile(self.requests, self.latency_ms_max, 0.5),
            latency_p95_ms=percentile(self.requests, self.latency_ms_max, 0.95),
            latency_max_ms=self.latency_ms_max,
        )

    def add(self, other):
        self.known += other.known
        self.requests += other.requests
        self.latency_ms_max = max(
            (ms for ms in (self.latency_ms_max, other.latency_ms_max) if ms is not None),
            default=None,
        )


def total_of(buckets, window):
    """All buckets of a window as one."""
    total = Bucket(window)
    for bucket in buckets:
        total.add(bucket)
    return total


def since(buckets: list[Bucket], moment: datetime) -> list[Bucket]:
    """The Buckets from the moment's slot on, the first of them cut there.

    For buckets without any rows before it: a cage has none from before it was created.
    """
    kept = [bucket for bucket in buckets if bucket.window.end > slot_of(moment)]
    for bucket in kept[:1]:
        bucket.window = bucket.window.since(moment)
    return kept


def percentile(bins, longest, fraction):
    """The latency in ms that this fraction of the answers counted in LATENCY_BINS stays under.

    Within a bin the answers are taken as evenly spread. longest: their maximum. None without any.
    """
    answers = sum(bins[name] for name in LATENCY_BINS)
    if not answers:
        return None
    wanted, low = fraction * answers, 0
    for edge, name in zip((*LATENCY_EDGES_MS, longest), LATENCY_BINS, strict=True):
        high = min(edge, longest)
        if bins[name] and wanted <= bins[name]:
            return low + (max(high, low) - low) * wanted / bins[name]
        wanted, low = wanted - bins[name], edge
    return float(longest)


def buckets_of(cage_ids, window, by_hour):
    """{cage id: [Bucket], oldest first}; however many cages and buckets, five queries at most, and
    two more for each year in zones where a midnight comes twice."""
    if by_hour:
        parts = window.hours()
        whole = [part for part in parts if part.end - part.start == HOUR]
        models = ReadingHourly, SensorRequestHourly
    else:
        days = window.days()
        parts = [part for _day, part in days]
        whole = [
            part
            for day, part in days
            if part == Window.whole_day(day) and _begins_and_ends_once(day)
        ]
        models = ReadingDaily, SensorRequestDaily
    found = {cage_id: {part.start: Bucket(part) for part in parts} for cage_id in cage_ids}
    counted = set(whole)
    if whole and found:
        _add_rollups(found, models, whole)
    _add_minutes(found, [part for part in parts if part not in counted])
    return {cage_id: list(buckets.values()) for cage_id, buckets in found.items()}


def _begins_and_ends_once(day):
    """False where PostgreSQL and TimescaleDB would begin the day, or the next, an hour later."""
    zone = timezone.get_default_timezone()
    return not any(midnight_comes_twice(one, zone) for one in (day, day + DAY))


def _add_rollups(found, models, whole):
    readings, requests = models
    span = list(found), whole[0].start, whole[-1].end
    starts = {part.start for part in whole}
    rows = readings.objects.within(*span).values_list("cage_id", "bucket", *STATUSES)
    for cage_id, start, *counts in rows.iterator():
        if start in starts:
            found[cage_id][start].known.update(dict(zip(Health, counts, strict=True)))
    columns = ("cage_id", "bucket", "latency_ms_max", *SUMS)
    for cage_id, start, longest, *counts in (
        requests.objects.within(*span).values_list(*columns).iterator()
    ):
        if start in starts:
            bucket = found[cage_id][start]
            bucket.requests.update(dict(zip(SUMS, counts, strict=True)))
            bucket.latency_ms_max = longest


def _add_minutes(found, parts):
    """Count the parts from the minutes: as a rule two at most, at the window's start and end."""
    for part in parts:
        for cage_id, minutes in minutes_of(found, part).items():
            known = {Health(code): minutes.count(code) for code in Health}
            found[cage_id][part.start].known.update(known)
    if not parts or not found:
        return
    within = Q()
    for part in parts:
        within |= Q(slot__gte=part.start, slot__lt=part.end)
    rows = SensorRequest.objects.filter(within, cage__in=list(found))
    for cage_id, slot, outcome, latency_ms in rows.values_list(
        "cage_id", "slot", "outcome", "latency_ms"
    ).iterator():
        part = next(part for part in parts if part.start <= slot < part.end)
        bucket = found[cage_id][part.start]
        bucket.requests[Outcome(outcome).word] += 1
        if outcome == Outcome.ANSWERED:
            bucket.requests[bin_of(latency_ms)] += 1
            bucket.latency_ms_max = max(bucket.latency_ms_max or 0, latency_ms)


def bin_of(latency_ms):
    """The one of LATENCY_BINS that an answer is counted in."""
    return LATENCY_BINS[bisect_left(LATENCY_EDGES_MS, latency_ms)]
