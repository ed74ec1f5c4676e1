"""Events: what people did to a cage, when, and who. Never changed afterwards."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class EventKind(models.TextChoices):
    MOVED = "moved", _("moved")
    PAUSED = "paused", _("paused")
    RESUMED = "resumed", _("resumed")
    ARCHIVED = "archived", _("archived")
    RESTORED = "restored", _("restored")


class CageEventQuerySet(models.QuerySet):
    def note(self, kind, cages, now, person, before=None):
        """One event of this kind for each cage; before: {cage id: position} of those moved."""
        moved = kind == EventKind.MOVED
        self.bulk_create(
            [
                CageEvent(
                    cage=cage,
                    kind=kind,
                    at=now,
                    person=person,
                    before=before[cage.pk] if moved else "",
                    after=cage.position_on_record if moved else "",
                )
                for cage in cages
            ],
            batch_size=2000,
        )

    def newest_first(self):
        return self.order_by("-at", "-id")


class CageEvent(models.Model):
    """One act on one cage; `before` and `after` are its positions where it was moved."""

    cage = models.ForeignKey("cages.Cage", on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    # None: done by Neurocage itself, or by somebody whose account is gone.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    before = models.CharField(max_length=150, blank=True)
    after = models.CharField(max_length=150, blank=True)

    objects = CageEventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["cage", "-at"], name="cages_cageevent_of_cage")]

    def __str__(self):
        return f"cage {self.cage_id} {self.kind} at {self.at:%Y-%m-%d %H:%M}Z"
