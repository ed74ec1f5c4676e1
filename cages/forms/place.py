"""Move cages, rename rooms and racks, and change the size of a rack."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from psycopg2 import Error as PostgresError

from cages.models import Cage, Places, Rack, Room
from cages.models.cage import ONE_PER_BAY, ONE_PER_LABEL
from cages.models.place import NAME_LENGTH, bay_row, row_label
from cages.places import grid as grids
from people.access import Access
from people.models import Lab
from people.names import shown_name

PLACE = ("room", "rack", "row", "column")


def constraint_of(error: IntegrityError) -> str | None:
    """Return the name of the database's constraint that was violated."""
    cause = error.__cause__
    return cause.diag.constraint_name if isinstance(cause, PostgresError) else None


class NameField(forms.CharField):
    """The name of a room or a rack, cleaned by `shown_name`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": NAME_LENGTH, "required": False, **kwargs})

    def clean(self, value: Any) -> str:
        return shown_name(super().clean(value))


class PlaceFields(forms.Form):
    """Names of a room and a rack, and a bay. Checks that they fit together."""

    room = NameField(label=_("Room"))
    rack = NameField(label=_("Rack"))

    def clean_row(self) -> str:
        return bay_row(self.cleaned_data["row"])

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        rack, row, column = (cleaned.get(name) for name in ("rack", "row", "column"))
        if (row or column) and not rack and "rack" not in self.errors:
            self.add_error("rack", _("Enter the rack of this row and column."))
        elif row and column is None and "column" not in self.errors:
            self.add_error("column", _("Enter the column too, or leave the row empty."))
        elif column and not row and "row" not in self.errors:
            self.add_error("row", _("Enter the row too, or leave the column empty."))
        return cleaned


class PlaceForm(PlaceFields, forms.ModelForm):
    """The base for forms of one cage. Typed names of a room and a rack become rows."""

    def __init__(
        self,
        *args: Any,
        instance: Cage | None = None,
        initial: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        names = {"room": instance.room_name, "rack": instance.rack_name} if instance else {}
        initial = {**names, **(initial or {})}
        super().__init__(*args, **{**kwargs, "instance": instance, "initial": initial})
        self.fields["row"].widget.attrs["placeholder"] = "B"
        self.fields["column"].widget.attrs["placeholder"] = "7"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        names = (cleaned.pop("room", ""), cleaned.pop("rack", ""))
        if not self.errors.keys() & set(PLACE):
            cleaned["room"], cleaned["rack"] = Places([names]).find(*names)
        return cleaned

    def add_error_of(self, error: IntegrityError) -> None:
        """Show an error of the database at its field. Raises it if it has no field here."""
        fields = {ONE_PER_BAY: "column", ONE_PER_LABEL: "label"}
        field = fields.get(constraint_of(error) or "")
        if field not in self.fields:
            raise error
        self.add_error(field, self.instance.conflicts()[field])


class MoveForm(PlaceForm):
    """Move one cage. If all fields are empty, it leaves its rack."""

    class Meta:
        model = Cage
        fields = PLACE


class BulkMoveForm(forms.Form):
    """A room, a rack, or both. Bays are chosen later, for each cage."""

    prefix = "to"
    room = NameField(label=_("Room"), help_text=_("Leave empty to keep each cage in its room."))
    rack = NameField(label=_("Rack"), help_text=_("Leave empty if they are in no rack yet."))

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        if not (cleaned.get("room") or cleaned.get("rack") or self.errors):
            self.add_error("room", _("Enter a room, a rack or both."))
        return cleaned


class BulkJoinForm(forms.Form):
    """One of the labs whose cages the person may change."""

    lab = forms.ModelChoiceField(
        Lab.objects.none(),
        label=_("Lab"),
        help_text=_("The owner of each cage needs a role in it."),
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ModelChoiceField, self.fields["lab"])
        field.queryset = access.labs_to_change.order_by("name", "pk")


class NameForm(forms.ModelForm):
    """The base for forms of a room or a rack. Refuses a name that is in use."""

    name = NameField(label=_("Name"), required=True)

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        self.unused = []
        for other in self.instance.namesakes(name):
            if other.is_used:
                raise forms.ValidationError(
                    _("“%(name)s” exists already. To merge the two, move the cages there."),
                    params={"name": other.name},
                )
            self.unused.append(other)
        return name

    @transaction.atomic
    def save_for(self, now: datetime) -> None:
        """Save it, and date its cages, so that open pages show the new name.

        Raises IntegrityError where somebody gave the same name in this moment.
        """
        for other in self.unused:
            # No page shows it, so nobody could free its name.
            other.delete()
        self.save()
        self.instance.cages.update(updated_at=now)


class RoomForm(NameForm):
    class Meta:
        model = Room
        fields = ["name"]


class RackForm(NameForm):
    """Name, rows and columns of a rack. grid: the rack as it stands, with all of its cages."""

    class Meta:
        model = Rack
        fields = ["name", "row_count", "column_count", "rows_are_numbers"]

    def __init__(self, *args: Any, grid: grids.Grid, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.grid = grid
        for name, count in zip(("row_count", "column_count"), grid.extent, strict=True):
            self.fields[name].widget.attrs["placeholder"] = count or ""

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        rows, columns = cleaned.get("row_count"), cleaned.get("column_count")
        if rows is None and columns is None:
            return cleaned
        for name, other in (("row_count", columns), ("column_count", rows)):
            if cleaned.get(name) is None and other is not None and name not in self.errors:
                self.add_error(name, _("Enter both rows and columns, or neither."))
        numbered = cleaned["rows_are_numbers"]
        used = self.grid.used
        if used and all(row.isdigit() != numbered for row, _column in used):
            letters = gettext("The rows of this rack have letters.")
            numbers = gettext("The rows of this rack have numbers.")
            self.add_error("rows_are_numbers", letters if numbered else numbers)
            return cleaned
        least_rows, least_columns = grids.extent_of(used, numbered)
        if rows is not None and rows < least_rows:
            message = _("There is a cage in row %(row)s, so the rack needs at least %(count)d.")
            params = {"row": row_label(least_rows, numbered), "count": least_rows}
            self.add_error("row_count", forms.ValidationError(message, params=params))
        if columns is not None and columns < least_columns:
            message = _(
                "There is a cage in column %(count)d, so the rack needs at least that many."
            )
            error = forms.ValidationError(message, params={"count": least_columns})
            self.add_error("column_count", error)
        return cleaned
