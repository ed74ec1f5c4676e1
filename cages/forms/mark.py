"""Note and correct marks, choose which ones are shown, and take care of the kinds."""

import uuid
from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cages.history.window import midnight_of
from cages.marking import Place, Times, check_times, kinds_of
from cages.models import Mark, MarkKind, Rack, Room
from cages.models.cage import CageQuerySet
from cages.models.mark import KINDS_AT_MOST, BuiltIn, MarkQuerySet
from cages.moment_fields import DayField, MomentField
from neurocage.ids import LARGEST_ID
from people.forms.reason import ReasonField
from people.names import key_of, shown_name

# Rooms, and racks, to choose from.
PLACES_LISTED = 1500
NOTE_LENGTH = Mark._meta.get_field("note").max_length


class MarkForm(forms.Form):
    """What was done, from when to when. The form is the same for a new mark and for a correction.

    place: where. mark: the one that is corrected; then a reason is needed.
    """

    kind = forms.ModelChoiceField(
        MarkKind.objects.none(), label=_("What"), empty_label=None, widget=forms.RadioSelect
    )
    starts_at = MomentField(label=_("Start"))
    ends_at = MomentField(
        label=_("End"), required=False, help_text=_("Leave empty if it took a moment only.")
    )
    note = forms.CharField(label=_("Note"), max_length=NOTE_LENGTH, required=False)
    reason = ReasonField(label=_("Why it is corrected"))
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, place: Place, now: datetime, mark: Mark | None = None
    ) -> None:
        initial: dict[str, Any] = {"starts_at": now, "key": uuid.uuid4()}
        if mark:
            names = ("kind", "starts_at", "ends_at", "note")
            initial = {name: getattr(mark, name) for name in names}
        super().__init__(data, initial=initial)
        del self.fields["key" if mark else "reason"]
        self._place, self._now = place, now
        for name in ("starts_at", "ends_at"):
            cast(MomentField, self.fields[name]).kept = initial.get(name)
        kinds = kinds_of(place)
        if mark and mark.kind not in kinds:
            kinds.append(mark.kind)
        field = cast(forms.ModelChoiceField, self.fields["kind"])
        field.queryset = MarkKind.objects.filter(pk__in=[kind.pk for kind in kinds])
        field.choices = [(kind.pk, str(kind)) for kind in kinds]

    @property
    def times(self) -> Times:
        """Those of a valid form."""
        start = self.cleaned_data["starts_at"]
        return Times(start, self.cleaned_data.get("ends_at") or start)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("starts_at") and "ends_at" not in self.errors:
            try:
                check_times(self._place, self.times, self._now)
            except ValidationError as error:
                self.add_error(None, error)
        return cleaned

    def correct(self, mark: Mark) -> None:
        """Give the mark what the form says, and save it."""
        mark.kind, mark.note = self.cleaned_data["kind"], self.cleaned_data["note"]
        mark.starts_at, mark.ends_at = self.times.start, self.times.end
        mark.save()


class MarkFilter(forms.Form):
    """Which marks are shown. Empty fields, and those that make no sense, filter nothing."""

    room = forms.ModelChoiceField(
        Room.objects.none(), label=_("Room"), required=False, empty_label=_("all rooms")
    )
    rack = forms.ModelChoiceField(
        Rack.objects.none(), label=_("Rack"), required=False, empty_label=_("all racks")
    )
    cage = forms.IntegerField(label=_("Cage id"), required=False, min_value=1, max_value=LARGEST_ID)
    kind = forms.ModelChoiceField(
        MarkKind.objects.all(), label=_("What"), required=False, empty_label=_("all kinds")
    )
    start = DayField(label=_("From"), required=False)
    end = DayField(label=_("To"), required=False)

    def __init__(self, data: Any, cages: CageQuerySet) -> None:
        """cages: those whose rooms and racks can be chosen."""
        super().__init__(data)
        models: tuple[tuple[str, Any], ...] = (("room", Room), ("rack", Rack))
        for name, model in models:
            used = model.objects.filter(pk__in=cages.order_by().values(name))
            used = used.order_by("sort_key", "pk")
            if name == "rack":
                used = used.select_related("room")
            field = cast(forms.ModelChoiceField, self.fields[name])
            field.queryset = used
            listed = [(place.pk, _name_of(place)) for place in used[:PLACES_LISTED]]
            field.choices = [("", field.empty_label), *listed]

    def apply(self, marks: MarkQuerySet) -> MarkQuerySet:
        """The marks that are asked for. Days are those of the facility, both included.

        A rack's own marks and those of its cages are the rack's; a room's in the same way.
        """
        self.full_clean()
        given = self.cleaned_data
        if cage := given.get("cage"):
            marks = marks.filter(cage=cage)
        if rack := given.get("rack"):
            marks = marks.of_rack(rack)
        if room := given.get("room"):
            marks = marks.of_room(room)
        if kind := given.get("kind"):
            marks = marks.filter(kind=kind)
        zone = timezone.get_default_timezone()
        if start := given.get("start"):
            marks = marks.filter(ends_at__gte=midnight_of(start, zone))
        if end := given.get("end"):
            marks = marks.filter(starts_at__lt=midnight_of(end + timedelta(days=1), zone))
        return marks


def _name_of(place: Room | Rack) -> str:
    """A rack with its room, because racks of two rooms may have one name."""
    room = place.room if isinstance(place, Rack) else None
    return f"{room} · {place}" if room else str(place)


class MarkKindForm(forms.ModelForm):
    """A kind of mark. A built-in one keeps its name, which is in each language."""

    class Meta:
        model = MarkKind
        fields = ("name", "is_handling", "is_on")
        help_texts = {
            "is_handling": _("Its minutes can be left out, and rules wait while it lasts."),
            "is_on": _("Without this it is not offered any more. Marks that exist stay."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.code:
            del self.fields["name"]

    def clean_name(self) -> str:
        name = shown_name(self.cleaned_data["name"])
        others = MarkKind.objects.exclude(pk=self.instance.pk)
        if others.filter(key=key_of(name)).exists() or name in BuiltIn.values:
            raise ValidationError(_("“%(name)s” exists already."), params={"name": name})
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk is None and MarkKind.objects.count() >= KINDS_AT_MOST:
            message = _("There are %(count)d kinds already. Rename one that nobody needs.")
            raise ValidationError(message, params={"count": KINDS_AT_MOST})
        return cleaned
