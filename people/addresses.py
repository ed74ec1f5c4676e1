"""From which address a request comes. Nothing else in the project decides this."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - the table of sessions needs some address


def address_of(request: HttpRequest) -> str:
    """Return the client's IP address, as the outermost of our own proxies saw it; "" if unknown.

    Each proxy adds the address that it was asked from to the end of X-Forwarded-For. What stands
    before the entries of our TRUSTED_PROXIES was written by the client, who may write anything.
    """
    direct = request.META.get("REMOTE_ADDR", "")
    trusted = settings.TRUSTED_PROXIES
    told = request.headers.get("X-Forwarded-For", "").split(",") if trusted else []
    # A request that did not come through all of them is of whom it came from.
    address = told[-trusted].strip() if 0 < trusted <= len(told) else direct
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return direct
