"""Events: what people did to a cage, when, and who. Never changed afterwards.

The database refuses it to the role that runs Neurocage, and notes what is done there.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from cages.models.cage import Cage
    from people.models import User


class EventKind(models.TextChoices):
    MOVED = "moved", _("moved")
    PAUSED = "paused", _("paused")
    RESUMED = "resumed", _("resumed")
    ARCHIVED = "archived", _("archived")
    RESTORED = "restored", _("restored")
    JOINED = "joined", _("handed over")


class CageEventQuerySet(models.QuerySet["CageEvent"]):
    def note(
        self,
        kind: EventKind,
        cages: "Iterable[Cage]",
        now: datetime,
        person: "User | None",
        before: Mapping[int, str] | None = None,
        after: str | None = None,
    ) -> None:
        """Keep one event of each cage. before: {cage id: position} of cages that were moved.

        after: the lab that they were given to; without it, the present position of each.
        """
        CageEvent.objects.bulk_create(
            [
                CageEvent(
                    cage=cage,
                    kind=kind,
                    at=now,
                    person=person,
                    before=before[cage.pk] if before else "",
                    after=(after or cage.position_on_record) if before else "",
                )
                for cage in cages
            ],
            batch_size=2000,
        )

    def newest_first(self) -> Self:
        return self.order_by("-at", "-id")


class CageEvent(models.Model):
    """One act on one cage.

    `before` and `after` are its positions where it was moved, or the names of its labs.
    """

    cage = models.ForeignKey("cages.Cage", on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    # None: done by Neurocage itself, or by somebody whose account is gone.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    kind = models.CharField(_("act"), max_length=20, choices=EventKind.choices)
    before = models.CharField(_("before"), max_length=150, blank=True)
    after = models.CharField(_("after"), max_length=150, blank=True)

    objects = CageEventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["cage", "-at"], name="cages_cageevent_of_cage")]

    def __str__(self) -> str:
        return f"cage {self.cage_id} {self.kind} at {self.at:%Y-%m-%d %H:%M}Z"
