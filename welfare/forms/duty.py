"""Who is on duty, and after how long the next person is told."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.moment_fields import MomentField
from people.models import User
from welfare.models import DutyShift, NoticeSettings

# Of those that have not ended.
SHIFTS_AT_MOST = 1000


class ShiftForm(forms.ModelForm):
    """One person, from when to when, in facility time."""

    class Meta:
        model = DutyShift
        fields = ["person", "place", "starts_at", "ends_at"]
        labels = {
            "person": gettext_lazy("Person"),
            "place": gettext_lazy("Place in the order"),
            "starts_at": gettext_lazy("From"),
            "ends_at": gettext_lazy("Until"),
        }
        help_texts = {"place": gettext_lazy("1 is told first.")}
        field_classes = {"starts_at": MomentField, "ends_at": MomentField}

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        cast(Any, self.fields["person"]).queryset = User.objects.active().order_by("sort_key")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        begin, end = cleaned.get("starts_at"), cleaned.get("ends_at")
        if begin and end and end <= begin:
            self.add_error("ends_at", _("It ends before it begins."))
        elif end and end <= self.now:
            self.add_error("ends_at", _("It has ended already."))
        if DutyShift.objects.not_ended(self.now).count() >= SHIFTS_AT_MOST:
            words = _("There can be %(most)s shifts that have not ended. Remove some first.")
            raise ValidationError(words % {"most": SHIFTS_AT_MOST})
        return cleaned


class TimesForm(forms.ModelForm):
    """How long a message is collected for, and how long the next person on duty waits."""

    class Meta:
        model = NoticeSettings
        fields = ["escalates_after_minutes", "collects_for_minutes"]
        labels = {
            "escalates_after_minutes": gettext_lazy("Minutes until the next person is told"),
            "collects_for_minutes": gettext_lazy("Minutes for which a message is collected"),
        }
        help_texts = {
            "collects_for_minutes": gettext_lazy(
                "What is raised in this time after the first concern becomes one message with it. "
                "0: each is told at once."
            )
        }
