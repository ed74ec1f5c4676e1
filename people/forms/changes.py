"""Which changes a page or a file shows."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _

from people.models.change import ChangeQuerySet
from people.noted import NOTED

LONGEST_TEXT = 100


def _kinds() -> Iterable[tuple[str, Any]]:
    yield "", _("all")
    yield from ((table, noted.name) for table, noted in NOTED.items())


class ChangesFilter(forms.Form):
    """All fields may stay empty. A field that makes no sense is told and filters nothing."""

    person = forms.CharField(label=_("Person"), max_length=LONGEST_TEXT, required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=lazy(_kinds, list), required=False)
    start = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    end = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    text = forms.CharField(label=_("Text"), max_length=LONGEST_TEXT, required=False)

    def apply(self, changes: ChangeQuerySet) -> ChangeQuerySet:
        """The changes that are asked for. Days are those of the facility, both included."""
        self.full_clean()
        given = self.cleaned_data if self.is_bound else {}
        if person := given.get("person"):
            changes = changes.by_person(person)
        if kind := given.get("kind"):
            changes = changes.filter(table=kind)
        if start := given.get("start"):
            changes = changes.filter(at__gte=_midnight(start))
        if (end := given.get("end")) and end < date.max:
            changes = changes.filter(at__lt=_midnight(end + timedelta(days=1)))
        if text := given.get("text"):
            changes = changes.saying(text)
        return changes


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time()))
