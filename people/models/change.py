"""Changes: who changed what, when, from where and why. The database writes them by its triggers.

Nothing in it is ever changed or deleted. It holds no foreign keys, so that a line outlives the
person and the cage that it tells of.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn, Self

from django.db import models
from django.db.models import Q, Subquery
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from people.acting import REASON_LENGTH, THROUGH_LENGTH


class Verb(models.TextChoices):
    ADDED = "added", _("added")
    CHANGED = "changed", _("changed")
    DELETED = "deleted", _("deleted")


class ChangeQuerySet(models.QuerySet["Change"]):
    def of_row(self, table: str, row: object) -> Self:
        return self.filter(table=table, row=str(row))

    def of_present_row(self, table: str, row: object) -> Self:
        """Those of the row that has this id now, without those of a deleted one that had it before.

        An id can come again, for a row of other people.
        """
        own = self.of_row(table, row)
        gone = Change.objects.of_row(table, row).filter(verb=Verb.DELETED).order_by("-pk")
        return own.filter(pk__gt=Coalesce(Subquery(gone.values("pk")[:1]), 0))

    def by_person(self, name: str) -> Self:
        """Those of people whose name holds this text."""
        return self.filter(by__icontains=name)

    def saying(self, text: str) -> Self:
        """Those in whose words, values or reason the text stands."""
        as_text = {f"{name}_text": Cast(name, models.TextField()) for name in ("before", "after")}
        return self.annotate(**as_text).filter(
            Q(words__icontains=text)
            | Q(reason__icontains=text)
            | Q(before_text__icontains=text)
            | Q(after_text__icontains=text)
        )

    def within(self, start: datetime, end: datetime) -> Self:
        return self.filter(at__gte=start, at__lt=end)

    def newest_first(self) -> Self:
        return self.order_by("-pk")

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("what was noted cannot be changed")

    def delete(self) -> NoReturn:
        raise TypeError("what was noted cannot be deleted")


class Change(models.Model):
    """One row that was added, changed or deleted.

    before, after: {column: value}; of a change only the columns that differ. A secret is told as
    "…" on both sides. by, address, request, through, reason: empty where nobody said so, for
    example when somebody changed the row with psql; `role` tells the database's role even then.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    verb = models.CharField(max_length=10, choices=Verb.choices)
    table = models.CharField(max_length=63)
    row = models.CharField(max_length=40)
    # What the row was called, such as a cage's label.
    words = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    person_id = models.IntegerField(null=True)
    by = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=64, blank=True)
    request = models.CharField(max_length=64, blank=True)
    through = models.CharField(max_length=THROUGH_LENGTH, blank=True)
    role = models.CharField(max_length=63)
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["table", "row", "-id"], name="people_change_of_row"),
            models.Index(fields=["at"], name="people_change_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}Z {self.table} {self.row} {self.verb}"
