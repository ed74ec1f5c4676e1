"""Roll-ups by hour and by day: views on plain PostgreSQL, continuous aggregates on TimescaleDB;
read-only. `cages.storage` makes the relations, so Django's migrations do not.

An hour is a UTC hour. A day is a day of the facility, so it has 23, 24 or 25 of them.
"""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from django.db import models
from django.db.models import F, Func, Value
from django.utils.translation import gettext as _

from cages.models.poll import Health, Outcome

# The upper edges of the bins that response times are counted in, in ms. An answer of exactly an
# edge is in its bin. Fine from 1 to 3 s, where sensors answer. The last bin has no upper edge.
LATENCY_EDGES_MS = (
    *(50, 100, 200, 300, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750, 3000),
    *(3500, 4000, 5000, 7500, 10_000),
)
LATENCY_BINS = (*(f"latency_to_{edge}" for edge in LATENCY_EDGES_MS), "latency_above")
# The columns that count polls.
SUMS = (*(outcome.word for outcome in Outcome), *(health.word for health in Health), *LATENCY_BINS)


def latency_bin(latency_ms: float) -> str:
    """The one of LATENCY_BINS that an answer is counted in."""
    return LATENCY_BINS[bisect_left(LATENCY_EDGES_MS, latency_ms)]


def bin_bounds(name: str, longest_ms: float) -> tuple[float, float]:
    """(lower, upper) bound in ms of the answers in one of LATENCY_BINS.

    longest_ms: the slowest answer of all; no bin reaches beyond it.
    """
    number = LATENCY_BINS.index(name)
    low = LATENCY_EDGES_MS[number - 1] if number else 0
    high = LATENCY_EDGES_MS[number] if number < len(LATENCY_EDGES_MS) else longest_ms
    return low, max(min(high, longest_ms), low)


def bin_widths() -> str:
    """The widths of the bins in words: "50 ms up to 100 ms, 100 ms up to 300 ms, …"."""
    edges = pairwise((0, *LATENCY_EDGES_MS))
    widths = groupby(edges, key=lambda edge: edge[1] - edge[0])
    told = _("%(width)d ms up to %(end)d ms")
    return ", ".join(told % {"width": width, "end": list(same)[-1][1]} for width, same in widths)


class RollupQuerySet(models.QuerySet):
    def within(self, cage_ids: Iterable[int], start: datetime, end: datetime) -> "RollupQuerySet":
        """The buckets of these cages that begin in the span from `start` up to `end`."""
        return self.filter(cage__in=cage_ids, bucket__gte=start, bucket__lt=end)

    def with_until(self, zone: str) -> "RollupQuerySet":
        """Each daily bucket with `until`: when PostgreSQL, by its own data of the zone, ends it.

        Of a midnight that comes twice, PostgreSQL means the second.
        """
        in_next_day = F("bucket") + timedelta(hours=36)
        until = Func(
            *(Value("day"), in_next_day, Value(zone)),
            function="date_trunc",
            output_field=models.DateTimeField(),
        )
        return self.annotate(until=until)


class PollRollup(models.Model):
    """The polls of one cage in one bucket: how many were planned, and the SUMS.

    Response times are of answered polls. The LATENCY_BINS count them, so that the percentiles of
    several buckets together can be estimated.
    """

    pk = models.CompositePrimaryKey("cage_id", "bucket")
    cage = models.ForeignKey("cages.Cage", on_delete=models.DO_NOTHING, related_name="+")
    bucket = models.DateTimeField()
    planned = models.IntegerField()
    latency_ms_sum = models.BigIntegerField(null=True)
    latency_ms_max = models.IntegerField(null=True)

    objects = RollupQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"cage {self.cage_id}, from {self.bucket:%Y-%m-%d %H:%M}Z"


for _name in SUMS:
    PollRollup.add_to_class(_name, models.IntegerField())


class PollHourly(PollRollup):
    class Meta:
        managed = False
        db_table = "cages_poll_hourly"


class PollDaily(PollRollup):
    class Meta:
        managed = False
        db_table = "cages_poll_daily"
