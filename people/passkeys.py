"""Where passkeys work. They belong to the facility's own address (neurocage.address)."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.translation import gettext as _

from neurocage.address import own_address

# One person's.
AT_MOST = 20


def relying_party() -> str:
    """The name to which a browser ties a passkey: the host of its own address, without a port."""
    return urlsplit(own_address()).hostname or ""


def refusal(request: HttpRequest) -> str:
    """Why passkeys do not work at the address of the request; empty where they do."""
    host = relying_party()
    if not _browsers_take(urlsplit(own_address()).scheme, host):
        return _(
            "Passkeys need an address that begins with https:// and has a name. The address of"
            " this Neurocage is %(address)s."
        ) % {"address": own_address()}
    if urlsplit(f"//{request.get_host()}").hostname != host:
        return _("Passkeys work only at %(address)s.") % {"address": own_address()}
    return ""


def _browsers_take(scheme: str, host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return scheme == "https" or host == "localhost" or host.endswith(".localhost")
    return False
