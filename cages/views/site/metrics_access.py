"""Who may read the metrics: who has the token, or, where there is none, who is near."""

import secrets
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

BEARER = "Bearer "


def refusal(request: HttpRequest) -> HttpResponse | None:
    """The answer to somebody who may not read them, else None.

    With METRICS_TOKEN the token is needed, from wherever. Else every address that is known of the
    way of the request has to be in METRICS_NETWORKS.
    """
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        token = given.removeprefix(BEARER) if given.startswith(BEARER) else ""
        if secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
            return None
        words = "The token of METRICS_TOKEN is needed.\n"
        headers = {"WWW-Authenticate": "Bearer"}
        return HttpResponse(words, status=401, content_type="text/plain", headers=headers)
    # Each proxy adds whom it heard. Whoever asks can add others, but not remove their own.
    told = request.headers.get("X-Forwarded-For", "")
    way = [request.META.get("REMOTE_ADDR", ""), *filter(None, told.split(","))]
    if all(_is_near(address.strip()) for address in way):
        return None
    words = "The metrics are for the networks in METRICS_NETWORKS.\n"
    return HttpResponse(words, status=403, content_type="text/plain")


def _is_near(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in settings.METRICS_NETWORKS)
