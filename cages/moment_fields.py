"""Fields of forms for a day and for a moment, in the years in which anything was measured.

Near the years 1 and 9999 moments exist only in some time zones: the database would keep one that
nobody could read again.
"""

from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from cages.history.moment import FIRST_YEAR, LAST_YEAR, bad_year

# What a browser sends for a moment.
MOMENT = "%Y-%m-%dT%H:%M"


def check_year(value: date) -> None:
    """Raises ValidationError for a day or a moment in another year."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValidationError(bad_year())


class DayField(forms.DateField):
    """A day of the facility."""

    widget = forms.DateInput({"type": "date"}, "%Y-%m-%d")
    default_validators = [check_year]


class MomentField(forms.DateTimeField):
    """A minute of the facility's clock.

    kept: the moment that the form shows. It stays exactly as it was where nobody changes its
    minute, as a clock that was set back shows the same minute twice.
    """

    widget = forms.DateTimeInput({"type": "datetime-local"}, MOMENT)
    default_validators = [check_year]
    kept: datetime | None = None

    def clean(self, value: Any) -> Any:
        if self.kept and value == f"{timezone.localtime(self.kept):{MOMENT}}":
            return self.kept
        return super().clean(value)
