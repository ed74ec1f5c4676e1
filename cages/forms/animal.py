"""The forms of the animals of a cage."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from cages.housing import check_day
from cages.models import Animal, Cage, Housing
from cages.models.cage import CageQuerySet
from cages.moment_fields import DayField
from neurocage.ids import LARGEST_ID
from people.forms.reason import ReasonField
from people.names import key_of

FIELDS = ("number", "sex", "born_on", "strain", "genotype", "protocol", "group")


class AnimalForm(forms.ModelForm):
    """What is known of an animal. Its number is unique in its lab."""

    born_on = DayField(label=_("Born"), required=False)

    class Meta:
        model = Animal
        fields = FIELDS

    def __init__(self, *args: Any, today: date, lab_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        self.instance.lab_id = lab_id

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"]
        others = Animal.objects.filter(lab=self.instance.lab_id, key=key_of(number))
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("The lab has an animal with this number already."))
        return number

    def clean_born_on(self) -> date | None:
        born: date | None = self.cleaned_data["born_on"]
        if born:
            check_day(born, self._today)
        return born


class NewAnimalForm(AnimalForm):
    """The same, with the day from which it lives in the cage.

    The number of an animal that never lived in a cage, as all that was noted of it was withdrawn,
    means that animal.
    """

    since = DayField(label=_("In this cage since"))

    def clean_number(self) -> str:
        key, lab_id = key_of(self.cleaned_data["number"]), self.instance.lab_id
        living = Housing.objects.filter(animal__key=key).values("animal")
        known = Animal.objects.filter(lab=lab_id, key=key).exclude(pk__in=living).first()
        if known:
            self.instance = known
        return super().clean_number()


class MoveAnimalForm(forms.Form):
    """Where an animal lives from a day on. cages: those that can be named."""

    cage = forms.IntegerField(label=_("To cage id"), min_value=1, max_value=LARGEST_ID)
    day = DayField(label=_("From this day on"))

    def __init__(self, *args: Any, cages: CageQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cages = cages

    def clean_cage(self) -> Cage:
        cage = self._cages.filter(pk=self.cleaned_data["cage"]).first()
        if cage is None:
            raise ValidationError(_("There is no such cage that you may change."))
        return cage


class EndHousingForm(forms.Form):
    day = DayField(label=_("First day without it"))


class CorrectHousingForm(forms.Form):
    """Other days of an animal in its cage, and why."""

    since = DayField(label=_("In this cage since"))
    until = DayField(
        label=_("First day without it"),
        required=False,
        help_text=_("Leave empty if it lives here still."),
    )
    reason = ReasonField(label=_("Why it is corrected"))
