"""The file of an import, and one row of it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import construct_instance, fields_for_model
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cages.forms.place import PlaceFields
from cages.importing.columns import column_name
from cages.importing.lines import MEGABYTE
from cages.importing.sheet import LARGEST_FILE, LARGEST_ROW_COUNT
from cages.models import Cage
from cages.models.fields import NAMES

TRUE_WORDS = {"yes", "true", "1", "ja", "wahr"}
FALSE_WORDS = {"no", "false", "0", "nein", "falsch"}
# The plan looks up owners, rooms and racks once for all rows.
LOOKED_UP = ("owner", "room", "rack")
JUDGED_HERE = tuple(name for name in NAMES if name not in LOOKED_UP)
FIELDS_OF_A_CAGE = fields_for_model(Cage, fields=JUDGED_HERE)


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv,.tsv,.txt,text/csv"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = gettext(
            "An Excel workbook (.xlsx) or CSV, at most %(size)d MB and %(rows)s rows. "
            "Nothing is changed before you confirm."
        ) % {
            "size": LARGEST_FILE // MEGABYTE,
            "rows": number_format(LARGEST_ROW_COUNT, force_grouping=True),
        }


class RowForm(PlaceFields):
    """One cage as described by a row. It makes no query, because there are thousands of rows.

    cage: gets the row's values when the form is valid. Its owner and its place are left to the
    plan; the names of the room and the rack are in `cleaned_data`.
    """

    def __init__(self, data: dict[str, str], cage: Cage) -> None:
        super().__init__(data)
        self.cage = cage
        self.fields |= {**FIELDS_OF_A_CAGE, "is_polled": forms.CharField(required=False)}

    def clean_is_polled(self) -> bool:
        word = self.cleaned_data["is_polled"].casefold()
        if word not in TRUE_WORDS | FALSE_WORDS:
            raise forms.ValidationError(_("Write yes or no."))
        return word in TRUE_WORDS

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        construct_instance(self, self.cage, JUDGED_HERE)
        try:
            # The lab is the owner's.
            self.cage.clean_fields(exclude={*LOOKED_UP, "lab", *self.errors})
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                self.add_error(name, errors)
        return cleaned

    def reasons(self) -> str:
        """Why the row is refused: each field's name and its errors, in one line."""
        return " ".join(
            f"{column_name(name)}: {words}" if name in NAMES else words
            for name, errors in self.errors.items()
            for words in [" ".join(str(error) for error in errors)]
        )
