"""Concerns: that somebody has to look, and what came of it."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cages.models import Cage
from people.access import Access
from welfare.models.rule import Kind


class Finding(models.TextChoices):
    """What a person found."""

    NORMAL = "normal", _("Normal")
    SICK = "sick", _("Sick")
    DEAD = "dead", _("Dead")
    HANDLING = "handling", _("Handling")
    BEDDING = "bedding", _("Bedding or water")
    SENSOR = "sensor", _("Sensor")
    OTHER = "other", _("Other")


# The findings after which a concern was right to be raised. A concern that is not about health is
# right as well where the sensor was at fault.
REAL_FINDINGS = frozenset({Finding.SICK, Finding.DEAD, Finding.BEDDING})


def real_findings_of(kind: Kind) -> frozenset[Finding]:
    """The findings that say that a concern of this kind was right to be raised."""
    return REAL_FINDINGS if kind.is_health else REAL_FINDINGS | {Finding.SENSOR}


class Ending(models.TextChoices):
    """Why a concern was closed."""

    FOUND = "found", _("closed with a finding")
    BY_HAND = "by_hand", _("closed by a person, without a finding")
    BY_ITSELF = "by_itself", _("over, closed by itself")
    WITHDRAWN = "withdrawn", _("withdrawn: results that arrived late show that it was not so")
    # The cage was paused or archived, or the rule was switched off.
    NOT_WATCHED = "not_watched", _("closed: it is not watched any more")


class Life(models.TextChoices):
    """How far people are with an open concern."""

    NEW = "new", _("not acknowledged")
    TAKEN = "taken", _("acknowledged")
    # When the recheck was not done in time, somebody has to take it again.
    PLANNED = "planned", _("found, recheck planned")
    # Only health concerns: all others close by themselves.
    OVER = "over", _("over, finding due")


class ConcernQuerySet(models.QuerySet["Concern"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def counted(self) -> Self:
        """Those that statistics are made of: drills never are."""
        return self.filter(is_drill=False)

    def with_places(self) -> Self:
        """Each with its cage or its place, as pages show them, without a further query."""
        return self.select_related(
            *("cage__state", "cage__room", "cage__rack", "cage__owner"),
            *("rack__room", "room", "acknowledged_by", "edition__rule"),
        )

    def worst_first(self) -> Self:
        """Health first, then what lasts, then what nobody has seen, the oldest first."""
        health = [kind for kind in Kind if kind.is_health]
        return self.annotate(
            is_not_health=models.Case(models.When(kind__in=health, then=0), default=1),
            is_over=models.Case(models.When(over_slot=None, then=0), default=1),
            is_seen=models.Case(models.When(acknowledged_until=None, then=0), default=1),
        ).order_by("is_not_health", "is_over", "is_seen", "raised_slot", "pk")

    def seen_by(self, access: Access) -> Self:
        """Those that a person may see.

        A concern of a cage: who sees the cage. Of a place: who sees a cage in it. Of Neurocage
        itself and of all places: everybody.
        """
        cages = access.sees(Cage.objects.order_by())
        # EXISTS looks at the few open concerns, where IN would read all cages on each page.
        of_cage = Exists(cages.filter(pk=OuterRef("cage")))
        in_place = Exists(cages.filter(rack=OuterRef("rack"))) | Exists(
            cages.filter(room=OuterRef("room"))
        )
        everywhere = Q(cage=None, rack=None, room=None)
        return self.filter(of_cage | (Q(cage=None) & in_place) | everywhere)


def planned(now: datetime) -> Q:
    """Those with a recheck to come, whose condition has not come back since that was planned."""
    still = Q(again_at=None) | Q(found_at__gte=models.F("again_at"))
    return Q(recheck_at__isnull=False, recheck_at__gt=now) & still


def life_of(
    over_slot: datetime | None,
    acknowledged_until: datetime | None,
    is_planned: bool,
    now: datetime,
) -> Life:
    """The Life of an open concern with these fields. is_planned: as `planned` says."""
    if is_planned:
        return Life.PLANNED
    if over_slot is not None:
        return Life.OVER
    return Life.TAKEN if acknowledged_until and acknowledged_until > now else Life.NEW


class Concern(models.Model):
    """A reason to look at a cage, at a place, or at Neurocage itself.

    Its condition (it lasts, or is over since `over_slot`) and its life (open, or closed at
    `closed_at`) are two things.
    """

    kind = models.CharField(max_length=20, choices=Kind.choices)
    # None for one that a person opened.
    edition = models.ForeignKey(
        "welfare.RuleEdition", on_delete=models.PROTECT, null=True, related_name="concerns"
    )
    # What it is about: "cage:12", "rack:3", "room:2", "everything", "polling", "channel:4".
    subject = models.CharField(max_length=40)
    cage = models.ForeignKey(
        "cages.Cage", on_delete=models.CASCADE, null=True, related_name="concerns"
    )
    rack = models.ForeignKey("cages.Rack", on_delete=models.SET_NULL, null=True, related_name="+")
    room = models.ForeignKey("cages.Room", on_delete=models.SET_NULL, null=True, related_name="+")
    # The slot whose judging raised it, and when that was done. They differ where results were late.
    raised_slot = models.DateTimeField()
    raised_at = models.DateTimeField()
    # When that began which it is about. is_since_known: else it is "at least" since then.
    since = models.DateTimeField()
    is_since_known = models.BooleanField(default=False)
    # Figures at the raising, as `welfare.rules.facts` reads them.
    facts = models.JSONField(default=dict)
    # The cage is unseen: nothing is known of the condition.
    held_since = models.DateTimeField(null=True)
    over_slot = models.DateTimeField(null=True)
    # Null again when the acknowledgement has ended.
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    acknowledged_until = models.DateTimeField(null=True)
    # The first time that anybody acknowledged it, for the times of the rule.
    seen_at = models.DateTimeField(null=True)
    finding = models.CharField(_("finding"), max_length=20, choices=Finding.choices, blank=True)
    found_at = models.DateTimeField(_("found"), null=True)
    # When the condition came back the last time. What was found before is not about that.
    again_at = models.DateTimeField(null=True)
    recheck_at = models.DateTimeField(_("recheck due"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    ending = models.CharField(_("why closed"), max_length=20, choices=Ending.choices, blank=True)
    is_drill = models.BooleanField(default=False)

    objects = ConcernQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "kind"],
                condition=Q(closed_at=None),
                name="welfare_concern_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["raised_slot"], name="welfare_concern_by_slot"),
            models.Index(fields=["cage", "-raised_slot"], name="welfare_concern_of_cage"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    def get_absolute_url(self) -> str:
        return reverse("concern-detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def lasts(self) -> bool:
        """Whether the condition lasts as far as anything is known."""
        return self.over_slot is None

    @property
    def needs_eye(self) -> bool:
        """Whether nothing has been read for so long that somebody has to look by eye."""
        return self.lasts and bool(self.facts.get("by_eye"))

    @property
    def is_health(self) -> bool:
        return Kind(self.kind).is_health

    @property
    def needs_finding(self) -> bool:
        """Whether it is closed only after a person has said what was found, and nobody has."""
        return self.is_open and self.is_health and not self.is_drill and not self.finding

    def known_until(self, now: datetime) -> datetime:
        """Up to when its condition is known to last. Reads the state of its cage while held."""
        if self.over_slot is not None:
            return self.over_slot
        if self.held_since is None:
            return now
        state = getattr(self.cage, "state", None) if self.cage else None
        read = state.reading_slot if state else None
        known = min(read, self.held_since) if read else self.held_since
        return max(known, self.since)

    def life(self, now: datetime) -> Life:
        """How far people are with it, while it is open."""
        is_planned = self.recheck_at is not None and self.recheck_at > now
        if self.again_at and (self.found_at is None or self.found_at < self.again_at):
            is_planned = False
        return life_of(self.over_slot, self.acknowledged_until, is_planned, now)

    def is_acknowledged(self, now: datetime) -> bool:
        return self.acknowledged_until is not None and self.acknowledged_until > now

    def is_recheck_lapsed(self, now: datetime) -> bool:
        return self.is_open and self.recheck_at is not None and self.recheck_at <= now
