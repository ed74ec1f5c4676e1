"""Roll-ups by hour and by day: views on plain PostgreSQL, continuous aggregates on TimescaleDB;
read-only. `cages.storage` makes the relations, so Django's migrations do not.

An hour is a UTC hour. A day is a day of the facility, so it has 23, 24 or 25 of them.
"""

from django.db import models

# The upper edges of the bins that response times are counted in, in ms; an answer of exactly an
# edge is in its bin. Fine from 1 to 3 s, where sensors answer. The last bin has no upper edge.
LATENCY_EDGES_MS = (
    *(50, 100, 200, 300, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750, 3000),
    *(3500, 4000, 5000, 7500, 10_000),
)
LATENCY_BINS = (*(f"latency_to_{edge}" for edge in LATENCY_EDGES_MS), "latency_above")


class RollupQuerySet(models.QuerySet):
    def within(self, cage_ids, start, end):
        """The buckets of these cages that begin in the span from `start` up to `end`."""
        return self.filter(cage__in=cage_ids, bucket__gte=start, bucket__lt=end)


class Rollup(models.Model):
    pk = models.CompositePrimaryKey("cage_id", "bucket")
    cage = models.ForeignKey("cages.Cage", on_delete=models.DO_NOTHING, related_name="+")
    bucket = models.DateTimeField()

    objects = RollupQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self):
        return f"cage {self.cage_id}, from {self.bucket:%Y-%m-%d %H:%M}Z"


class ReadingRollup(Rollup):
    """Known minutes of one cage in one bucket, by status; `known` is their sum."""

    known = models.IntegerField()
    bad = models.IntegerField()
    ok = models.IntegerField()
    perfect = models.IntegerField()

    class Meta:
        abstract = True


class SensorRequestRollup(Rollup):
    """Planned polls of one cage in one bucket, by outcome; response times of answered ones.

    The LATENCY_BINS count them, so that a percentile of any buckets can be told together.
    """

    planned = models.IntegerField()
    answered = models.IntegerField()
    unavailable = models.IntegerField()
    timeout = models.IntegerField()
    connection_error = models.IntegerField()
    http_error = models.IntegerField()
    malformed = models.IntegerField()
    skipped = models.IntegerField()
    latency_ms_sum = models.BigIntegerField(null=True)
    latency_ms_max = models.IntegerField(null=True)

    class Meta:
        abstract = True


for _name in LATENCY_BINS:
    SensorRequestRollup.add_to_class(_name, models.IntegerField())


class ReadingHourly(ReadingRollup):
    class Meta:
        managed = False
        db_table = "cages_reading_hourly"


class ReadingDaily(ReadingRollup):
    class Meta:
        managed = False
        db_table = "cages_reading_daily"


class SensorRequestHourly(SensorRequestRollup):
    class Meta:
        managed = False
        db_table = "cages_sensorrequest_hourly"


class SensorRequestDaily(SensorRequestRollup):
    class Meta:
        managed = False
        db_table = "cages_sensorrequest_daily"
