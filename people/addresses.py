"""The address that a request came from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str | None:
    """The client's IP address, or None where it is not known.

    Each of TRUSTED_PROXIES proxies appends the address that it saw to X-Forwarded-For. What stands
    before those was written by the client, so it is not believed.
    """
    address = request.META.get("REMOTE_ADDR", "")
    proxies = settings.TRUSTED_PROXIES
    if proxies:
        seen = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(seen) >= proxies:
            address = seen[-proxies].strip()
    try:
        return str(ip_address(address))
    except ValueError:
        return None
