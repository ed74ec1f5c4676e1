"""Rules: what makes a concern. A change is a new edition, so that every concern keeps its rule."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What a concern is about. `welfare.rules.parameters` says what each can be set to."""

    BAD_LONG = "bad_long", _("Bad for long")
    UNSEEN = "unseen", _("Unseen")
    SENSOR_WEAK = "sensor_weak", _("Sensor weak")
    PLACE_SILENT = "place_silent", _("Place silent")
    NEUROCAGE = "neurocage", _("Neurocage itself")
    # Opened by a person. There is no rule of this kind.
    BY_EYE = "by_eye", _("Seen at the cage")

    @property
    def is_health(self) -> bool:
        """Whether it is about the animals, so that a person has to say what was found."""
        return self in (Kind.BAD_LONG, Kind.BY_EYE)


RULE_KINDS = [kind for kind in Kind if kind != Kind.BY_EYE]


class Rule(models.Model):
    """A kind of concern, for the whole facility, for one room, or for one lab.

    A cage is judged by the rule of its lab, else by that of its room, else by the facility's.
    """

    kind = models.CharField(max_length=20, choices=[(k.value, k.label) for k in RULE_KINDS])
    room = models.ForeignKey(
        "cages.Room", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    lab = models.ForeignKey(
        "people.Lab", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "room", "lab"],
                nulls_distinct=False,
                name="welfare_rule_one_per_scope",
            ),
            models.CheckConstraint(
                condition=Q(room=None) | Q(lab=None), name="welfare_rule_has_one_scope"
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class RuleEditionQuerySet(models.QuerySet["RuleEdition"]):
    def in_force(self, moment: datetime) -> Self:
        """The editions that a slot of this moment is judged by."""
        begun = self.filter(in_force_since__lte=moment)
        return begun.filter(Q(ended_at=None) | Q(ended_at__gt=moment))

    def proposed(self) -> Self:
        """Those that wait for a second person."""
        return self.filter(in_force_since=None, refused_at=None)


class RuleEdition(models.Model):
    """How a rule is set, from when to when. Never changed once it has been in force."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="editions")
    is_on = models.BooleanField(_("in use"), default=True)
    # As `welfare.rules.parameters` writes it.
    parameters = models.JSONField(default=dict)
    # "" means: the words of the kind, in the reader's language. See `welfare.rules.words`.
    cause = models.TextField(_("Cause"), max_length=500, blank=True)
    consequence = models.TextField(_("Consequence"), max_length=500, blank=True)
    what_to_check = models.TextField(_("What to check"), max_length=500, blank=True)
    proposed_at = models.DateTimeField()
    # None: it came with Neurocage.
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    in_force_since = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    refused_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = RuleEditionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule"],
                condition=Q(in_force_since__isnull=False, ended_at=None),
                name="welfare_ruleedition_one_in_force",
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule}, edition {self.pk}"
