"""Digests: what the minutes and the noted changes of each closed day were, as fixed texts' SHA-256.

`cages.operations.digests` makes and checks them. Nothing here is ever changed.
"""

from typing import Self

from django.db import models


class DayDigest(models.Model):
    """One closed UTC day. `chain` depends on everything of this day and of all days before it."""

    day = models.DateField(primary_key=True)
    closed_at = models.DateTimeField()
    cages = models.IntegerField()
    polls = models.BigIntegerField()
    changes = models.IntegerField()
    # Hexadecimal digits of SHA-256.
    polls_digest = models.CharField(max_length=64)
    changes_digest = models.CharField(max_length=64)
    chain = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.day}: {self.chain}"


class CageDigestQuerySet(models.QuerySet["CageDigest"]):
    def last_of(self, day: object) -> int:
        """The highest id of a cage whose digest of this day is kept; 0 without any."""
        return self.filter(day=day).aggregate(last=models.Max("cage_id"))["last"] or 0

    def of_day(self, day: object) -> Self:
        return self.filter(day=day).order_by("cage_id")


class CageDigest(models.Model):
    """The polls of one cage in one UTC day. No foreign key: it outlives the purge of the cage."""

    pk = models.CompositePrimaryKey("day", "cage_id")
    day = models.DateField()
    cage_id = models.IntegerField()
    polls = models.SmallIntegerField()
    digest = models.BinaryField()
    # For each hour with polls its number (one byte) and the first four bytes of its digest. They
    # tell where a difference is.
    hours = models.BinaryField()

    objects = CageDigestQuerySet.as_manager()

    def __str__(self) -> str:
        return f"cage {self.cage_id} on {self.day}"
