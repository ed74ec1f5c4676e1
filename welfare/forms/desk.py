"""The forms of the desk. What is refused stays in the form as it was typed."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from neurocage.ids import id_from
from welfare.desk import RECHECK_HOURS
from welfare.models import Finding, Reason

# As the trail holds it.
LONGEST_TEXT = 2000


def _text(label: Any, *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def _in_hours(hours: int) -> str:
    return ngettext("in %(hours)s hour", "in %(hours)s hours", hours) % {"hours": hours}


class ActForm(forms.Form):
    """A form of one act. Its name is the prefix, so that several stand on one page.

    newest: the newest trail entry that the page showed. The button sends it, because the live
    refresh changes buttons and leaves fields as they are.
    """

    name = ""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, prefix=self.name)
        self.newest = id_from(data.get("newest", "")) if data else None


class AcknowledgeForm(ActForm):
    name = "acknowledge"
    reason = forms.ChoiceField(
        label=_("Reason"), choices=[("", _("Choose a reason")), *Reason.choices]
    )
    text = _text(_("Note"))

    def clean(self) -> dict[str, Any]:
        """ "Other" says nothing without words."""
        cleaned = super().clean() or {}
        if cleaned.get("reason") == Reason.OTHER and not cleaned.get("text"):
            self.add_error("text", _("Write down the reason."))
        return cleaned


class CommentForm(ActForm):
    name = "comment"
    text = _text(_("Comment"), required=True)


class FindingForm(ActForm):
    name = "finding"
    finding = forms.ChoiceField(
        label=_("What was found"), choices=[("", _("Choose a finding")), *Finding.choices]
    )
    text = _text(_("Note"))
    recheck = forms.TypedChoiceField(
        label=_("Recheck"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", _("no recheck: close the concern")),
            *((hours, lazy(_in_hours, str)(hours)) for hours in RECHECK_HOURS),
        ],
        help_text=_("With a recheck the concern stays open until the next finding."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("finding") == Finding.OTHER and not cleaned.get("text"):
            self.add_error("text", _("Write down what was found."))
        return cleaned

    def recheck_at(self, now: datetime) -> datetime | None:
        """When the recheck is due, once the form is valid."""
        hours = self.cleaned_data["recheck"]
        return now + timedelta(hours=hours) if hours else None


class CloseForm(ActForm):
    name = "close"


class OpenForm(ActForm):
    name = "open"
    text = _text(_("What you have seen"), required=True)
