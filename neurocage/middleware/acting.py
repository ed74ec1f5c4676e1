"""Says who is at work in a request, for what the database notes of changes."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from people.acting import Acting, acting
from people.addresses import address_of

# A proxy may have given the request a name already, under which its own log tells of it.
GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}\Z")


class ActingMiddleware:
    """Everything that a request changes is noted with its person, address and page.

    After AuthenticationMiddleware. The person is looked up only when something is changed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        known = Acting(
            who=lambda: _person(request),
            through=lambda: _page(request),
            address=address_of(request),
            request=given if GIVEN.match(given) else secrets.token_hex(8),
        )
        with acting(known):
            return self.get_response(request)


def _person(request: HttpRequest) -> tuple[int | None, str] | None:
    user = request.user
    return (user.pk, user.get_username()) if user.is_authenticated else None


def _page(request: HttpRequest) -> str:
    """The name of the page, because its address may hold a secret."""
    found = request.resolver_match
    return f"{request.method} {found.view_name if found else ''}"
