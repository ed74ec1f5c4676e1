"""Create, change and purge a cage."""

from itertools import groupby
from typing import Any, cast

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Div, Fieldset, Layout, Row, Submit
from django import forms
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cages.forms.place import PlaceForm, constraint_of
from cages.models import Cage
from cages.models.fields import FIELDS, NAMES
from neurocage.ids import LARGEST_TYPED_ID, advance_ids
from people.access import Access, Permission
from people.forms.reason import ReasonField
from people.models import User
from people.names import shown_name

# The name of a constraint in the database.
CAGE_KEY = "cages_cage_pkey"
ID_WIDTH = (12, 4)


class CageForm(PlaceForm):
    """Create or change a cage. user: the person who fills in the form."""

    id = forms.IntegerField(
        label=_("Cage id"),
        required=False,
        min_value=1,
        max_value=LARGEST_TYPED_ID,
        help_text=_("The id of this cage in the sensor API. Leave empty for the next free id."),
    )

    class Meta:
        model = Cage
        fields = NAMES
        widgets = {"notes": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.is_new = self.instance.pk is None
        if not self.is_new:
            del self.fields["id"]
        if Access(user).may(Permission.OWNERS):
            # The present owner can be kept, even if that account is disabled.
            possible = Q(is_active=True) | Q(pk=self.instance.owner_id)
            owners = User.objects.filter(possible).order_by("sort_key", "username")
            field = cast(forms.ModelChoiceField, self.fields["owner"])
            field.queryset = owners
            field.initial = user.pk
        else:
            del self.fields["owner"]
            if self.is_new:
                self.instance.owner = user
        self.helper = self._helper()

    def _helper(self) -> FormHelper:
        helper = FormHelper()
        helper.attrs = {"novalidate": ""}
        cancel = gettext("Cancel")
        save = _("Create cage") if self.is_new else _("Save")
        helper.layout = Layout(
            *self._layout(),
            HTML('{% include "cages/_sensor_answer.html" with answer=answer only %}'),
            Div(
                Submit("save", save, css_class="btn-primary"),
                StrictButton(
                    gettext("Test sensor"),
                    type="submit",
                    name="test_sensor",
                    value="1",
                    css_class="btn-outline-secondary",
                ),
                HTML(f'<a class="btn btn-link" href="{{{{ back_url }}}}">{cancel}</a>'),
                css_class="d-flex flex-wrap gap-2 mt-4",
            ),
        )
        return helper

    def _layout(self) -> list[Any]:
        """The fields in their order, those with the same heading side by side below it."""
        columns = [
            (field.heading, field.name, field.width)
            for field in FIELDS
            if field.name in self.fields
        ]
        if self.is_new:
            columns.insert(1, ("", "id", ID_WIDTH))
        layout: list[Any] = []
        for heading, group in groupby(columns, key=lambda column: column[0]):
            row = [
                Column(name, css_class=f"col-{narrow} col-md-{wide}")
                for _heading, name, (narrow, wide) in group
            ]
            layout.append(Fieldset(heading, Row(*row)) if heading else Row(*row))
        return layout

    def clean_id(self) -> int | None:
        number = self.cleaned_data["id"]
        if number is not None and Cage.objects.filter(id=number).exists():
            raise forms.ValidationError(
                _("Cage %(id)s exists already. It may be archived or belong to somebody else."),
                params={"id": number},
            )
        return number

    def add_error_of(self, error: IntegrityError) -> None:
        if constraint_of(error) == CAGE_KEY and self.is_new:
            self.add_error("id", _("This cage id has just been used by somebody else."))
        else:
            super().add_error_of(error)

    def save(self, commit: bool = True) -> Cage:
        """Save the cage. Raises IntegrityError if its id, label or bay has just been taken."""
        if not self.is_new:
            self.instance.save_change(timezone.now(), self.user)
            return self.instance
        number = self.cleaned_data["id"]
        with transaction.atomic():
            self.instance.id = number
            self.instance.save(force_insert=True)
            if number is not None:
                advance_ids(Cage)
        return self.instance


class PurgeForm(forms.Form):
    """Confirm a purge, which is final, by typing the label."""

    label = forms.CharField(label=_("Label of the cage"), max_length=200)
    reason = ReasonField()

    def __init__(self, *args: Any, cage: Cage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cage = cage
        # Crispy forms do not escape help texts.
        self.fields["label"].help_text = format_html(gettext("Type “{}” to confirm."), cage.label)
        self.fields["label"].widget.attrs["autocomplete"] = "off"
        self.helper = FormHelper()
        # The template has the form tag and the CSRF token.
        self.helper.form_tag = False
        self.helper.disable_csrf = True

    def clean_label(self) -> str:
        if shown_name(self.cleaned_data["label"]) != shown_name(self.cage.label):
            raise forms.ValidationError(
                _("This does not match the label of the cage. Nothing was deleted.")
            )
        return self.cleaned_data["label"]
