"""A new token."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cages.models import ApiToken


class TokenForm(forms.ModelForm):
    """The name of a token. Whether it is free is judged when the token is made."""

    class Meta:
        model = ApiToken
        fields = ["name"]
        labels = {"name": _("Name")}
        help_texts = {"name": _("What will use it, so that you know it again.")}
