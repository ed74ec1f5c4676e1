"""Make an API token."""

from django import forms
from django.utils.translation import gettext_lazy as _

from people.models import ApiToken


class TokenForm(forms.ModelForm):
    """The name of a token. `ApiToken.objects.issue` checks whether the name is free."""

    class Meta:
        model = ApiToken
        fields = ["name"]
        labels = {"name": _("Name")}
        help_texts = {"name": _("The program that uses it, so that you recognise it later.")}
