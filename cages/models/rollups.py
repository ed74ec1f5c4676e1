"""Hourly summaries: views on plain PostgreSQL, continuous aggregates on TimescaleDB; read-only.

`cages.storage` makes the relations, so Django's migrations do not.
"""

from django.db import models


class ReadingHourly(models.Model):
    """Known minutes of one cage in one UTC hour, by status."""

    pk = models.CompositePrimaryKey("cage_id", "bucket")
    cage = models.ForeignKey("cages.Cage", on_delete=models.DO_NOTHING, related_name="+")
    bucket = models.DateTimeField()
    bad = models.BigIntegerField()
    ok = models.BigIntegerField()
    perfect = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "cages_reading_hourly"

    def __str__(self):
        return f"cage {self.cage_id}, hour of {self.bucket:%Y-%m-%d %H:%M}Z"


class SensorRequestHourly(models.Model):
    """Planned polls of one cage in one UTC hour, by outcome; latencies of answered ones, in ms."""

    pk = models.CompositePrimaryKey("cage_id", "bucket")
    cage = models.ForeignKey("cages.Cage", on_delete=models.DO_NOTHING, related_name="+")
    bucket = models.DateTimeField()
    answered = models.BigIntegerField()
    unavailable = models.BigIntegerField()
    timeout = models.BigIntegerField()
    connection_error = models.BigIntegerField()
    http_error = models.BigIntegerField()
    malformed = models.BigIntegerField()
    skipped = models.BigIntegerField()
    latency_ms_sum = models.BigIntegerField(null=True)
    latency_ms_max = models.IntegerField(null=True)

    class Meta:
        managed = False
        db_table = "cages_sensorrequest_hourly"

    def __str__(self):
        return f"cage {self.cage_id}, hour of {self.bucket:%Y-%m-%d %H:%M}Z"
