"""The address that a request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - the table of sessions needs some address


def address_of(request: HttpRequest) -> str | None:
    """The IP address of the browser, or None if it is not known.

    TRUSTED_PROXIES says how many proxies of our own are in front of the web server. Each adds the
    address that it was asked from to X-Forwarded-For, at the end. What stands before these could
    be written by anybody, so it is not regarded.
    """
    found = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
        found = hops[-settings.TRUSTED_PROXIES] if len(hops) >= settings.TRUSTED_PROXIES else ""
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return None
