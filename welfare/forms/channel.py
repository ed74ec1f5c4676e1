"""Make a channel."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from welfare.models import Channel
from welfare.notices.addresses import (
    LONGEST_ADDRESS,
    SCHEMES,
    literal_host,
    may_connect,
    scheme_of,
)
from welfare.notices.channels import can_be_read

CHANNELS_AT_MOST = 50


class ChannelForm(forms.ModelForm):
    """Name and address. The address is never shown again, so a refused form has it empty."""

    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=LONGEST_ADDRESS,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy(
            "An address as Apprise writes it. It is a secret and is not shown again."
        ),
    )

    class Meta:
        model = Channel
        fields = ["name", "address"]
        labels = {"name": gettext_lazy("Name")}

    def clean_address(self) -> str:
        """Refuse what could never be sent to. The host's name is looked up when it is sent."""
        address = str(self.cleaned_data["address"])
        scheme = scheme_of(address)
        if scheme not in SCHEMES:
            known = {"schemes": ", ".join(sorted(SCHEMES))}
            raise ValidationError(_("Use one of these kinds of address: %(schemes)s.") % known)
        if any(sign.isspace() for sign in address):
            raise ValidationError(_("An address has no spaces."))
        host = literal_host(address) if SCHEMES[scheme] else None
        if host and not may_connect(str(host), settings.NOTICES_ALLOW_PRIVATE):
            raise ValidationError(_("This host is not allowed."))
        if not can_be_read(address):
            raise ValidationError(_("This address cannot be read."))
        return address

    def clean(self) -> dict[str, object] | None:
        if Channel.objects.count() >= CHANNELS_AT_MOST:
            most = {"most": CHANNELS_AT_MOST}
            raise ValidationError(_("There can be %(most)s channels. Remove one first.") % most)
        return super().clean()
