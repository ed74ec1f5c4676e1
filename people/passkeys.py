"""Where passkeys work. They belong to the facility's own address (BASE_URL)."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

# One person's.
AT_MOST = 20


def relying_party() -> str:
    """The name to which a browser ties a passkey: the host of BASE_URL, without a port."""
    return urlsplit(settings.BASE_URL).hostname or ""


def refusal(request: HttpRequest) -> str:
    """Why passkeys do not work at the address of the request; empty where they do."""
    host = relying_party()
    if not _browsers_take(urlsplit(settings.BASE_URL).scheme, host):
        return _(
            "Passkeys need an address that begins with https:// and has a name. The address of"
            " this Neurocage (BASE_URL) is %(address)s."
        ) % {"address": settings.BASE_URL}
    if urlsplit(f"//{request.get_host()}").hostname != host:
        return _("Passkeys work only at %(address)s.") % {"address": settings.BASE_URL}
    return ""


def _browsers_take(scheme: str, host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return scheme == "https" or host == "localhost" or host.endswith(".localhost")
    return False
