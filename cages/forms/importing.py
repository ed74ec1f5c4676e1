"""The file of an import, and one row of it."""

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.forms.models import construct_instance
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cages.forms.rack import PlaceMixin
from cages.importing.sheet import COLUMNS, LARGEST_FILE, LARGEST_ROW_COUNT, MEGABYTE
from cages.models import Cage

YES = {"yes", "true", "1", "ja", "wahr"}
NO = {"no", "false", "0", "nein", "falsch"}


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        help_text=format_lazy(
            _(
                "UTF-8, at most {megabytes} MB and {rows} rows. "
                "Nothing is changed before you confirm."
            ),
            megabytes=LARGEST_FILE // MEGABYTE,
            rows=lazy(intcomma, str)(LARGEST_ROW_COUNT),
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )


class RowForm(PlaceMixin, forms.ModelForm):
    """One cage as a row describes it. Its owner and its slot are judged with all other rows."""

    is_polled = forms.CharField(required=False)

    class Meta:
        model = Cage
        fields = [name for name in COLUMNS if name not in ("id", "owner")]

    def clean_is_polled(self):
        word = self.cleaned_data["is_polled"].lower()
        if word in YES:
            return True
        if word in NO:
            return False
        raise forms.ValidationError(_("Write yes or no."))

    def _post_clean(self):
        # Without what asks the database for each of thousands of rows; plan.py asks once for all.
        self.instance = construct_instance(self, self.instance, self._meta.fields)
        try:
            self.instance.clean_fields(exclude=self._get_validation_exclusions())
        except forms.ValidationError as error:
            self._update_errors(error)
