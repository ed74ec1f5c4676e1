"""Make a lab, set its limit, and give people their roles in it."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from people.models import Lab, Role, User
from people.names import key_of, shown_name


class LabForm(forms.ModelForm):
    """The name of a lab, and how many cages it may have."""

    class Meta:
        model = Lab
        fields = ["name", "cage_limit"]
        labels = {"name": _("Name"), "cage_limit": _("Most cages")}

    def clean_name(self) -> str:
        name = shown_name(self.cleaned_data["name"])
        if Lab.objects.filter(key=key_of(name)).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is a lab with this name."))
        return name


class MemberForm(forms.Form):
    """A person who has an account already, by username, and a role."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        help_text=_("The person needs an account already."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)

    def clean_username(self) -> User:
        key = key_of(self.cleaned_data["username"])
        found = User.objects.active().filter(key=key).first()
        if found is None:
            raise forms.ValidationError(_("Nobody with this username may sign in."))
        return found


class RoleForm(forms.Form):
    """The new role of one of the people of a lab."""

    role = forms.ChoiceField(choices=Role.choices)


class HomeForm(forms.Form):
    """The lab to which the person's new cages belong."""

    lab = forms.ModelChoiceField(
        Lab.objects.none(), label=_("My new cages belong to"), empty_label=None
    )

    def __init__(self, *args: Any, labs: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ModelChoiceField, self.fields["lab"]).queryset = labs
