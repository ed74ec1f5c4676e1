"""What a page of changes says of concerns, rules, channels, duty and rounds."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from people.noted import Noted, note
from welfare.models import (
    Channel,
    Concern,
    DutyShift,
    Look,
    NoticeSettings,
    Round,
    Rule,
    RuleEdition,
    TrailEntry,
)


def register() -> None:
    note(
        Noted(
            Concern,
            _("Concern"),
            address=lambda row: reverse("concern-detail", args=[row]),
        ),
        Noted(TrailEntry, _("Entry of a trail")),
        Noted(Rule, _("Rule"), address=lambda row: reverse("rule-edit", args=[row])),
        Noted(RuleEdition, _("Edition of a rule")),
        Noted(Channel, _("Channel")),
        Noted(DutyShift, _("Duty")),
        Noted(NoticeSettings, _("Settings of notices")),
        Noted(Round, _("Round")),
        Noted(Look, _("Look")),
    )
