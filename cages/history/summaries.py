"""Health and sensor functionality of one cage in one window, counted from the raw minutes.

The two never share a number, and in each of them the parts add up to the minutes of the window.
"""

from dataclasses import dataclass
from math import ceil

from django.db.models import Aggregate, Count, FloatField, Max, Q

from cages.history.minutes import Minute
from cages.history.window import Window
from cages.models import Cage, Health, Outcome, Poll

ANSWERED = Q(outcome=Outcome.ANSWERED)


class PercentileCont(Aggregate):
    """PostgreSQL's percentile_cont, in the field's unit; fraction: from 0 to 1."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a whole: `count` of `total` minutes or requests."""

    count: int
    total: int
    status: Health | None = None

    @property
    def percent(self) -> float | None:
        """In percent, or None where there is nothing to have a share of."""
        return 100 * self.count / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class HealthSummary:
    """minutes = bad + ok + perfect + unanswered + not_watched."""

    minutes: int
    by_status: dict[Health, int]
    unanswered: int
    not_watched: int

    @property
    def known(self) -> int:
        return sum(self.by_status.values())

    @property
    def not_known(self) -> int:
        return self.unanswered + self.not_watched

    @property
    def shares(self) -> list[Share]:
        """The share of each health in the minutes elapsed, Perfect first, as people read them."""
        return [
            Share(self.by_status[status], self.minutes, status)
            for status in (Health.PERFECT, Health.OK, Health.BAD)
        ]

    @property
    def not_known_share(self) -> Share:
        return Share(self.not_known, self.minutes)


@dataclass(frozen=True, slots=True)
class Percentile:
    """A response time in ms. The true one lies between `low_ms` and `high_ms`."""

    ms: float
    low_ms: float
    high_ms: float

    @property
    def width_ms(self) -> int:
        """The width of the bin it was estimated in, rounded up; 0 for an exact one."""
        return ceil(self.high_ms - self.low_ms)


@dataclass(frozen=True, slots=True)
class SensorSummary:
    """planned = the sum over outcomes; latencies in ms over the answered requests, None without."""

    by_outcome: dict[Outcome, int]
    p50: Percentile | None
    p95: Percentile | None
    latency_max_ms: int | None

    @property
    def planned(self) -> int:
        return sum(self.by_outcome.values())

    @property
    def skipped(self) -> int:
        return self.by_outcome[Outcome.SKIPPED]

    @property
    def requests(self) -> int:
        """What was really sent: a skipped poll says nothing about the sensor."""
        return self.planned - self.skipped

    @property
    def answered(self) -> Share:
        return Share(self.by_outcome[Outcome.ANSWERED], self.requests)

    @property
    def latency_p50_ms(self) -> float | None:
        return self.p50.ms if self.p50 else None

    @property
    def latency_p95_ms(self) -> float | None:
        return self.p95.ms if self.p95 else None

    @property
    def whole_latencies_ms(self) -> list[int | None]:
        """[p50, p95, max], rounded to the ms; None without answers."""
        latencies = (self.latency_p50_ms, self.latency_p95_ms, self.latency_max_ms)
        return [None if latency is None else round(latency) for latency in latencies]

    @property
    def failures(self) -> "list[tuple[str, int]]":
        """(label, count) of each kind of failure that happened, most frequent first."""
        kinds = [o for o in Outcome if o not in (Outcome.ANSWERED, Outcome.SKIPPED)]
        counts = [(str(outcome.label), self.by_outcome[outcome]) for outcome in kinds]
        return sorted((pair for pair in counts if pair[1]), key=lambda pair: -pair[1])


def sensor_in(cage: Cage, window: Window) -> SensorSummary:
    """How the cage's sensor did in the window; one query."""

    def exact(ms: float | None) -> Percentile | None:
        return None if ms is None else Percentile(ms, ms, ms)

    counts = Poll.objects.of(cage, window).aggregate(
        **{outcome.word: Count("slot", filter=Q(outcome=outcome)) for outcome in Outcome},
        p50=PercentileCont("latency_ms", fraction=0.5, filter=ANSWERED),
        p95=PercentileCont("latency_ms", fraction=0.95, filter=ANSWERED),
        longest=Max("latency_ms", filter=ANSWERED),
    )
    return SensorSummary(
        by_outcome={outcome: counts[outcome.word] for outcome in Outcome},
        p50=exact(counts["p50"]),
        p95=exact(counts["p95"]),
        latency_max_ms=counts["longest"],
    )


def health_of(minutes: bytes) -> HealthSummary:
    """How the animals were in these minutes (`minutes_of`)."""
    return HealthSummary(
        minutes=len(minutes),
        by_status={status: minutes.count(status) for status in Health},
        unanswered=minutes.count(Minute.NO_ANSWER),
        not_watched=minutes.count(Minute.NOT_WATCHED),
    )
