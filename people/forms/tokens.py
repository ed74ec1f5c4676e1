"""Make an API token."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from people.models import ApiToken, Scope
from people.models.token import DEFAULT_LIFETIME, LIFETIMES

NEVER = "never"


def _lifetimes() -> list[tuple[Any, Any]]:
    return [
        (NEVER, _("never")) if days is None else (days, ngettext("%d day", "%d days", days) % days)
        for days in LIFETIMES
    ]


class TokenForm(forms.ModelForm):
    """A token: its name, scope and lifetime. `ApiToken.objects.issue` checks the name."""

    lifetime = forms.ChoiceField(
        label=_("Expires after"), choices=_lifetimes, required=False, initial=DEFAULT_LIFETIME
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scope"]
        labels = {"name": _("Name"), "scope": _("What it can read")}
        help_texts = {"name": _("The program that uses it, so that you recognise it later.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A form that leaves these out gets what the page chooses before anybody does.
        self.fields["scope"].required = False

    def clean_scope(self) -> str:
        return self.cleaned_data["scope"] or Scope.ALL

    def clean_lifetime(self) -> timedelta | None:
        """The time until it expires, or None if it never does."""
        chosen = self.cleaned_data["lifetime"] or str(DEFAULT_LIFETIME)
        return None if chosen == NEVER else timedelta(days=int(chosen))
