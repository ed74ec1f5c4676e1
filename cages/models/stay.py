"""Where each cage has stood and since when. A trigger of the database writes it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q


class StayQuerySet(models.QuerySet["Stay"]):
    def before(self, cage_ids: Iterable[int], end: datetime) -> Self:
        """The stays of these cages that began before the moment, oldest first."""
        return self.filter(cage__in=list(cage_ids), since__lt=end).order_by("since", "id")

    def of_cages_at(self, racks: Iterable[int], rooms: Iterable[int]) -> Self:
        """All stays of the cages that ever stood in one of these racks or rooms, oldest first."""
        there = Stay.objects.filter(Q(rack__in=list(racks)) | Q(room__in=list(rooms)))
        return self.filter(cage__in=there.values("cage")).order_by("since", "id")


class Stay(models.Model):
    """A cage stands in a room and a rack, from `since` until its next stay.

    Without a room where nobody said in which room it stood. Migration 0006 has the trigger.
    """

    cage = models.ForeignKey("cages.Cage", on_delete=models.CASCADE, related_name="stays")
    room = models.ForeignKey(
        "cages.Room", on_delete=models.PROTECT, null=True, related_name="stays"
    )
    rack = models.ForeignKey(
        "cages.Rack", on_delete=models.PROTECT, null=True, related_name="stays"
    )
    since = models.DateTimeField()

    objects = StayQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["cage", "since"], name="cages_stay_of_cage")]

    def __str__(self) -> str:
        return f"cage {self.cage_id} since {self.since:%Y-%m-%d %H:%M}Z"
