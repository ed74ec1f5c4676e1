"""How the sensors did when they were last judged: one by one, by rack, and in which bays."""

from datetime import datetime

from django.core.validators import MinValueValidator
from django.db import models

from cages.history.summaries import Share
from cages.models import Outcome
from cages.models.rollups import LATENCY_BINS


class SensorStanding(models.Model):
    """One sensor over the hours of its rule, beside its own usual days. Written anew each hour.

    below: by how many standard deviations its share of answers is under its own usual share;
    negative where it answers more often. None where there were too few requests to tell.
    is_weak: the verdict of "Sensor weak"; None where that says neither. since: when the sensor was
    swapped, if a page asked for it and it lies within what is compared; it is no column.
    """

    since: datetime | None = None

    cage = models.OneToOneField(
        "cages.Cage", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    hour = models.DateTimeField()
    answered = models.IntegerField()
    requests = models.IntegerField()
    usual_answered = models.IntegerField()
    usual_requests = models.IntegerField()
    p50_ms = models.FloatField(null=True)
    p95_ms = models.FloatField(null=True)
    usual_p95_ms = models.FloatField(null=True)
    below = models.FloatField(null=True)
    is_weak = models.BooleanField(null=True)

    class Meta:
        indexes = [
            models.Index(
                models.F("below").desc(nulls_last=True), "cage", name="welfare_sensor_worst_first"
            )
        ]

    def __str__(self) -> str:
        return f"sensor of cage {self.cage_id} at {self.hour:%Y-%m-%d %H:%M}Z"

    @property
    def answered_share(self) -> Share:
        return Share(self.answered, self.requests)

    @property
    def usual_share(self) -> Share:
        return Share(self.usual_answered, self.usual_requests)


class RackStanding(models.Model):
    """The sensors of one rack together, or those of a room that are in no rack.

    cages: how many are polled. judged: those of them with enough requests. The counts of outcomes
    and of response times are sums over all of them.
    """

    hour = models.DateTimeField()
    room = models.ForeignKey("cages.Room", on_delete=models.CASCADE, null=True, related_name="+")
    rack = models.ForeignKey("cages.Rack", on_delete=models.CASCADE, null=True, related_name="+")
    cages = models.IntegerField()
    judged = models.IntegerField()
    weak = models.IntegerField()
    latency_ms_max = models.IntegerField(null=True)

    def __str__(self) -> str:
        return f"rack {self.rack_id} at {self.hour:%Y-%m-%d %H:%M}Z"


COUNTS = (*(outcome.word for outcome in Outcome), *LATENCY_BINS)
for _name in COUNTS:
    RackStanding.add_to_class(_name, models.IntegerField())


class WeakBay(models.Model):
    """That the sensor of this cage was weak while it stood in this bay, and when."""

    rack = models.ForeignKey("cages.Rack", on_delete=models.CASCADE, related_name="+")
    row = models.CharField(max_length=3)
    column = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    cage = models.ForeignKey("cages.Cage", on_delete=models.CASCADE, related_name="+")
    first_hour = models.DateTimeField()
    last_hour = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rack", "row", "column", "cage"], name="welfare_weakbay_one_per_cage"
            )
        ]

    def __str__(self) -> str:
        return f"{self.row}-{self.column:02d} of rack {self.rack_id}, cage {self.cage_id}"
