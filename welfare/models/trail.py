"""The trail of a concern: who did what, when and why. Nothing in it is ever changed.

The database refuses it to the role that runs Neurocage, and notes what is done there.
"""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Act(models.TextChoices):
    RAISED = "raised", _("raised")
    OPENED = "opened", _("opened by hand")
    OVER = "over", _("over")
    AGAIN = "again", _("there again")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    UNACKNOWLEDGED = "unacknowledged", _("acknowledgement ended")
    COMMENTED = "commented", _("commented")
    FOUND = "found", _("finding")
    PLANNED = "planned", _("recheck planned")
    RECHECKED = "rechecked", _("rechecked")
    LAPSED = "lapsed", _("recheck not done in time")
    TOLD = "told", _("notice sent")
    # Results that arrived late move when it began or was over.
    CORRECTED = "corrected", _("corrected by results that arrived late")
    # The cage has not been seen for so long that somebody has to look into it.
    BY_EYE = "by_eye", _("to be checked by eye")
    CLOSED = "closed", _("closed")


class Reason(models.TextChoices):
    """Why a concern is acknowledged."""

    ON_MY_WAY = "on_my_way", _("I am on my way")
    LOOKED = "looked", _("I have looked")
    HANDLING = "handling", _("The cage is being handled")
    KNOWN = "known", _("Known, and being treated")
    SENSOR = "sensor", _("The sensor is being mended")
    OTHER = "other", _("Other")


# What changes the life of a concern, when a person does it.
ACTS_OF_LIFE = (Act.ACKNOWLEDGED, Act.FOUND, Act.PLANNED, Act.CLOSED)


class TrailEntryQuerySet(models.QuerySet["TrailEntry"]):
    def newest_number(self) -> int:
        """The number of the newest entry. It grows with each change of any concern."""
        return self.aggregate(newest=models.Max("pk"))["newest"] or 0

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("the trail cannot be changed")


class TrailEntry(models.Model):
    """One act. Deleting an account or a cage for good is the only thing that takes from it.

    The purge of a cage deletes its trails; what people did stays in the record of changes.
    """

    concern = models.ForeignKey("welfare.Concern", on_delete=models.CASCADE, related_name="trail")
    at = models.DateTimeField()
    act = models.CharField(_("act"), max_length=20, choices=Act.choices)
    # None: Neurocage itself, or somebody whose account is gone; then `by` still tells who.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True)
    text = models.TextField(_("text"), max_length=2000, blank=True)
    # A Finding, for `found`.
    finding = models.CharField(_("finding"), max_length=20, blank=True)
    # When something is due, for `planned` and `acknowledged`.
    due_at = models.DateTimeField(_("due"), null=True)

    objects = TrailEntryQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["concern", "at"], name="welfare_trail_of_concern")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}Z {self.act}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new entry. Raises TypeError for one that is stored already."""
        if not self._state.adding:
            raise TypeError("the trail cannot be changed")
        super().save(*args, **kwargs)
