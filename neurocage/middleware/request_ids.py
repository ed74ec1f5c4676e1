"""A name for each request, by which its lines in the logs are found."""

import re
import secrets
from collections.abc import Callable
from ipaddress import ip_address

from django.core.signals import request_finished
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from neurocage.log_context import begin_request, end_request

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)


class RequestIdMiddleware:
    """Gives each request an id, and tells it in the answer.

    One that a proxy gave is kept: from a private address, and in a sane form. Anybody else could
    make the lines of one request look like those of another.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        request_finished.connect(end_request, dispatch_uid="request_ids")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        is_kept = SANE.fullmatch(given) and _is_near(request.META.get("REMOTE_ADDR", ""))
        request_id = given if is_kept else secrets.token_hex(8)
        # Not only for this block: Django logs a refusal after the last middleware.
        begin_request(request_id)
        response = self.get_response(request)
        response.headers[HEADER] = request_id
        return response


def _is_near(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False
