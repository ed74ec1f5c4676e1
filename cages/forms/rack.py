"""Where a cage stands, and how large a rack is."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cages import racks
from cages.models import Cage, Rack
from cages.models.rack import row_label

# The name of a constraint in the database.
ONE_PER_RACK_SLOT = "cages_cage_one_per_rack_slot"
# Here and not at the model, where they would be a migration that changes nothing.
PLACE_LABELS = {"room": _("Room"), "rack": _("Rack"), "row": _("Row"), "column": _("Column")}


def constraint_of(error):
    """The name of the constraint that an IntegrityError is about."""
    return error.__cause__.diag.constraint_name


class PlaceMixin:
    """What every form keeps that says where one cage stands: room, rack, row and column."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["row"].widget.attrs["placeholder"] = "B"
        self.fields["column"].widget.attrs["placeholder"] = "7"

    def clean_row(self):
        return self.cleaned_data["row"].strip()

    def clean(self):
        cleaned = super().clean()
        rack, row, column = (cleaned.get(name) for name in ("rack", "row", "column"))
        if (row or column) and not rack and "rack" not in self.errors:
            self.add_error("rack", _("Name the rack that this row and column are in."))
        elif row and column is None and "column" not in self.errors:
            self.add_error("column", _("Give the column too, or leave the row empty."))
        elif column and not row and "row" not in self.errors:
            self.add_error("row", _("Give the row too, or leave the column empty."))
        return cleaned

    def add_error_of(self, error):
        """Put what the database refused at its field; raises the error where it is about none."""
        if constraint_of(error) != ONE_PER_RACK_SLOT:
            raise error
        self.add_error("column", self.instance.slot_taken_message)


class MoveForm(PlaceMixin, forms.ModelForm):
    """Where one cage goes to. Everything empty takes it out of its rack."""

    class Meta:
        model = Cage
        fields = list(PLACE_LABELS)
        labels = PLACE_LABELS


class RackSizeForm(forms.ModelForm):
    """Rows and columns of a rack. grid: the rack as it stands, all of its cages in it."""

    class Meta:
        model = Rack
        fields = ["row_count", "column_count", "rows_are_numbers"]

    def __init__(self, *args, grid, **kwargs):
        super().__init__(*args, **kwargs)
        self.grid = grid

    def clean(self):
        cleaned = super().clean()
        numbered = cleaned["rows_are_numbers"]
        used = self.grid.used
        if used and all(row.isdigit() != numbered for row, _column in used):
            self.add_error("rows_are_numbers", self._other_names(numbered))
            return cleaned
        rows, columns = racks.extent_of(used, numbered)
        if (given := cleaned.get("row_count")) is not None and given < rows:
            message = _("A cage stands in row %(row)s, so the rack needs %(count)d or more.")
            params = {"row": row_label(rows, numbered), "count": rows}
            self.add_error("row_count", forms.ValidationError(message, params=params))
        if (given := cleaned.get("column_count")) is not None and given < columns:
            message = _("A cage stands in column %(count)d, so the rack needs as many or more.")
            error = forms.ValidationError(message, params={"count": columns})
            self.add_error("column_count", error)
        return cleaned

    @staticmethod
    def _other_names(numbered):
        if numbered:
            return _("The cages in this rack stand in rows with letters.")
        return _("The cages in this rack stand in rows with numbers.")
