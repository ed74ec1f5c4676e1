"""Rounds of a room, and the looks at its cages: who saw which animals, and when."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

WHY_LENGTH = 100


class RoundQuerySet(models.QuerySet["Round"]):
    def under_way(self) -> Self:
        return self.filter(ended_at=None)


class Round(models.Model):
    """A person goes through a room, from `begun_at` until `ended_at`.

    ended_at: by the clock of the device that ended it, or of the last note where nobody did.
    end_noted_at: when that arrived.
    """

    room = models.ForeignKey("cages.Room", on_delete=models.CASCADE, related_name="rounds")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # The name outlives the account.
    by = models.CharField(max_length=150)
    begun_at = models.DateTimeField(_("begun"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    end_noted_at = models.DateTimeField(null=True)
    # When it ended: {"cages": [ids of those that it was about]}, and "was_left": true where nobody
    # ended it but the next round, on a later day.
    came_of = models.JSONField(default=dict)

    objects = RoundQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room", "person"],
                condition=Q(ended_at=None),
                name="welfare_round_one_under_way",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, end_noted_at=None)
                | Q(ended_at__isnull=False, end_noted_at__isnull=False),
                name="welfare_round_end_is_whole",
            ),
        ]
        indexes = [models.Index(fields=["room", "-begun_at"], name="welfare_round_of_room")]

    def __str__(self) -> str:
        return f"round of room {self.room_id}, {self.begun_at:%Y-%m-%d %H:%M}Z"

    @property
    def was_left(self) -> bool:
        return bool(self.came_of.get("was_left"))


class LookResult(models.TextChoices):
    FINE = "fine", _("looked fine")
    CONCERN = "concern", _("concern")
    SKIPPED = "skipped", _("skipped")


class LookQuerySet(models.QuerySet["Look"]):
    def valid(self) -> Self:
        """Those that nobody took back."""
        return self.filter(withdrawn_at=None)

    def seeing(self) -> Self:
        """Valid ones at which somebody saw the animals."""
        return self.valid().exclude(result=LookResult.SKIPPED)

    def unopened(self) -> Self:
        """Concerns that are not on the desk, because whoever saw them may not open one."""
        return self.valid().filter(result=LookResult.CONCERN, concern=None)


class Look(models.Model):
    """A person looked at a cage, or skipped it and says why.

    at: by the clock of the device. noted_at: when it arrived. key: made on the device, so that a
    look that is sent twice is kept once. concern: what is on the desk because of it.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    cage = models.ForeignKey("cages.Cage", on_delete=models.CASCADE, related_name="looks")
    round = models.ForeignKey(Round, on_delete=models.SET_NULL, null=True, related_name="looks")
    at = models.DateTimeField()
    result = models.CharField(_("result"), max_length=10, choices=LookResult.choices)
    why = models.CharField(_("why"), max_length=WHY_LENGTH, blank=True)
    concern = models.ForeignKey(
        "welfare.Concern", on_delete=models.SET_NULL, null=True, related_name="looks"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    by = models.CharField(max_length=150)
    noted_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    objects = LookQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="welfare_look_by_time"),
            models.Index(fields=["cage", "at"], name="welfare_look_of_cage"),
            models.Index(
                fields=["at"],
                condition=Q(withdrawn_at=None, result="concern", concern=None),
                name="welfare_look_unopened",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(result="skipped") | Q(why=""), name="welfare_look_says_why_skipped"
            )
        ]

    def __str__(self) -> str:
        return f"{self.result}: cage {self.cage_id}, {self.at:%Y-%m-%d %H:%M}Z"
