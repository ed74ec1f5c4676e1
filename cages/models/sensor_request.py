"""Sensor functionality: the record of every poll, whatever came of it."""

from django.db import models
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from cages.models.reading import Health, MeasuredQuerySet, Reading


class Outcome(models.IntegerChoices):
    """How a planned poll ended. Stored as a number: there are hundreds of millions of them.

    `word` is the name in exports, logs and messages.
    """

    ANSWERED = 1, _("answered")
    UNAVAILABLE = 2, _("unavailable (503)")
    TIMEOUT = 3, _("timeout")
    CONNECTION_ERROR = 4, _("connection error")
    HTTP_ERROR = 5, _("HTTP error")
    MALFORMED = 6, _("malformed answer")
    SKIPPED = 7, _("skipped")

    @property
    def word(self):
        return self.name.lower()

    @property
    def http_status(self):
        """The HTTP status that this outcome always has, or None where it may be any or none."""
        return _IMPLIED_HTTP_STATUS.get(self)


_IMPLIED_HTTP_STATUS = {Outcome.ANSWERED: 200, Outcome.MALFORMED: 200, Outcome.UNAVAILABLE: 503}


class SensorRequestQuerySet(MeasuredQuerySet):
    def with_status(self):
        """Annotates `status`: the health that an answered request brought, else None."""
        reading = Reading.objects.filter(cage_id=OuterRef("cage_id"), slot=OuterRef("slot"))
        return self.annotate(status=Subquery(reading.values("status")))


class SensorRequest(models.Model):
    """One planned poll. A slot without a row was not watched."""

    pk = models.CompositePrimaryKey("cage_id", "slot")
    slot = models.DateTimeField(help_text="The UTC minute asked about.")
    cage = models.ForeignKey(
        "cages.Cage", on_delete=models.DO_NOTHING, related_name="sensor_requests", db_index=False
    )
    # From sending to the complete body, or to giving up. None where nothing was sent.
    latency_ms = models.IntegerField(null=True)
    outcome = models.SmallIntegerField(choices=Outcome.choices)
    # Only where the outcome does not imply it, which spares a compressed row 1.6 of 5.3 bytes; rows
    # from before that have it always. `answer_status` knows.
    http_status = models.SmallIntegerField(null=True)
    # Why it failed, in at most 200 characters; empty where the outcome says it all.
    detail = models.CharField(max_length=200, blank=True, default="")

    objects = SensorRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=Outcome.values), name="cages_sensorrequest_outcome"
            )
        ]

    def __str__(self):
        return f"cage {self.cage_id} at {self.slot:%Y-%m-%d %H:%M}Z: {self.get_outcome_display()}"

    @property
    def answer_status(self):
        """The HTTP status of the answer, or None without one: stored only where not implied."""
        return self.http_status or Outcome(self.outcome).http_status

    @property
    def succeeded(self):
        return self.outcome == Outcome.ANSWERED

    @property
    def health(self):
        """What `with_status` found, as Health, or None."""
        return None if self.status is None else Health(self.status)
