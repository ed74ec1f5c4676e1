"""Create, change and purge a cage."""

from typing import Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Div, Fieldset, Layout, Row, Submit
from django import forms
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cages.forms.rack import PLACE_LABELS, PlaceMixin, constraint_of
from cages.models import Cage
from neurocage.ids import advance_ids
from people.access import Access, Permission
from people.models import User

# Some way below what the database can count to, so that it has numbers to give out after it.
LARGEST_TYPED_ID = 2_000_000_000
# The name of a constraint in the database.
CAGE_KEY = "cages_cage_pkey"


class CageForm(PlaceMixin, forms.ModelForm):
    """Create or change a cage. user: the person who does so."""

    id = forms.IntegerField(
        label=_("Cage id"),
        required=False,
        min_value=1,
        max_value=LARGEST_TYPED_ID,
        help_text=_("The number the sensor API knows it by. Leave empty for the next free one."),
    )

    class Meta:
        model = Cage
        fields = [
            "label",
            "room",
            "rack",
            "row",
            "column",
            "strain",
            "animal_count",
            "owner",
            "notes",
            "is_polled",
        ]
        # Here and not at the model, where they would be a migration that changes nothing.
        labels = {
            "label": _("Label"),
            **PLACE_LABELS,
            "owner": _("Owner"),
            "notes": _("Notes"),
        }
        widgets = {"notes": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.is_new = self.instance.pk is None
        if not self.is_new:
            del self.fields["id"]
        may_choose_owner = Access(user).may(Permission.OWNERS)
        if may_choose_owner:
            # The present owner stays possible, also with an account that is switched off.
            possible = Q(is_active=True) | Q(pk=self.instance.owner_id)
            owners = User.objects.filter(possible).order_by("username")
            self.fields["owner"].queryset = owners
            self.fields["owner"].initial = user.pk
        else:
            del self.fields["owner"]
            if self.is_new:
                self.instance.owner = user
        self.helper = self._helper(may_choose_owner)

    def _helper(self, may_choose_owner: bool) -> FormHelper:
        helper = FormHelper()
        helper.attrs = {"novalidate": ""}
        cancel = gettext("Cancel")
        identity = [Column("label", css_class="col-12 col-md-8")]
        if self.is_new:
            identity.append(Column("id", css_class="col-12 col-md-4"))
        helper.layout = Layout(
            Row(*identity),
            Fieldset(
                _("Where it stands"),
                Row(
                    Column("room", css_class="col-6 col-md-3"),
                    Column("rack", css_class="col-6 col-md-3"),
                    Column("row", css_class="col-6 col-md-3"),
                    Column("column", css_class="col-6 col-md-3"),
                ),
            ),
            Fieldset(
                _("What lives in it"),
                Row(
                    Column("strain", css_class="col-8"),
                    Column("animal_count", css_class="col-4"),
                ),
            ),
            *(["owner"] if may_choose_owner else []),
            "notes",
            "is_polled",
            HTML('{% include "cages/_sensor_answer.html" with answer=answer only %}'),
            Div(
                Submit(
                    "save",
                    _("Create cage") if self.is_new else _("Save"),
                    css_class="btn-primary",
                ),
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

    def clean_id(self):
        number = self.cleaned_data["id"]
        if number is not None and Cage.objects.filter(id=number).exists():
            raise forms.ValidationError(
                _("There is a cage %(id)s already; it may be archived or somebody else's."),
                params={"id": number},
            )
        return number

    def add_error_of(self, error):
        if constraint_of(error) == CAGE_KEY and self.is_new:
            self.add_error("id", _("This cage id was taken just now."))
        else:
            super().add_error_of(error)

    def save(self, commit=True):
        """Save the cage; an id or a slot taken in this very moment raises IntegrityError."""
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
    """The label typed once more, because nothing brings a purged cage back."""

    label = forms.CharField(label=_("Label of the cage"), max_length=200)

    def __init__(self, *args, cage, **kwargs):
        super().__init__(*args, **kwargs)
        self.cage = cage
        # Crispy forms take a help text for markup.
        self.fields["label"].help_text = format_html(gettext("Type “{}” to confirm."), cage.label)
        self.fields["label"].widget.attrs["autocomplete"] = "off"
        self.helper = FormHelper()
        # The page has the form's tag, and in it the token.
        self.helper.form_tag = False
        self.helper.disable_csrf = True

    def clean_label(self):
        if self.cleaned_data["label"] != self.cage.label.strip():
            raise forms.ValidationError(
                _("This is not the label of the cage. Nothing was deleted.")
            )
        return self.cleaned_data["label"]
