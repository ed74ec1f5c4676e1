"""The ledger: one row for each slot that Neurocage set out to ask."""

from datetime import timedelta

from django.db import models

from cages.models.sensor_request import Outcome

OUTCOME_COUNTS = {outcome: outcome.word for outcome in Outcome}


class PollCycleQuerySet(models.QuerySet):
    def open(self):
        return self.filter(finished_at=None)

    def finished(self):
        return self.exclude(finished_at=None)

    def last_finished(self):
        """The finished cycle of the newest slot, or None."""
        return self.finished().order_by("-slot").first()


class PollCycle(models.Model):
    """All polls of one slot. planned = the sum over outcomes once it is finished."""

    # Without a cycle for this long, something in Neurocage itself is not running.
    STALE_AFTER = timedelta(minutes=2)

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

    def __str__(self):
        return f"{self.slot:%Y-%m-%d %H:%M}Z: {self.recorded} of {self.planned} recorded"

    @property
    def counts(self):
        """How many polls ended in each outcome, in the outcomes' order."""
        return [getattr(self, word) for word in OUTCOME_COUNTS.values()]

    @property
    def recorded(self):
        return sum(self.counts)

    @property
    def asked(self):
        return self.planned - self.skipped

    @property
    def duration_seconds(self):
        return None if self.duration_ms is None else self.duration_ms / 1000

    def is_stale(self, now):
        return now - self.finished_at > self.STALE_AFTER
