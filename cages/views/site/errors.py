"""Error pages. They need neither the database nor a session, which may be what failed."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from cages.api import problems
from cages.operations import outage

BUSY_RETRY_SECONDS = 5


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database cannot do its work. JSON for the API."""
    cause = outage.why_unavailable(sys.exception())
    status, headers = (503, {"Retry-After": "30"}) if cause else (500, {})
    return _answer(request, status, problems.SERVER_PROBLEMS[status], {"cause": cause}, **headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, for a host name that is not ours too. JSON for the API."""
    return _answer(request, 400, problems.UNREADABLE)


def too_large(request: HttpRequest, allowed: int) -> HttpResponse:
    """413. allowed: the largest body, in bytes."""
    kilobytes = allowed // 1024
    return _answer(request, 413, f"The body is larger than {kilobytes} KB.", {"limit": kilobytes})


def busy(request: HttpRequest) -> HttpResponse:
    """429: this person has too much under way. A page that was asked for comes by itself."""
    again = {"seconds": BUSY_RETRY_SECONDS} if request.method in ("GET", "HEAD") else {}
    retry = str(BUSY_RETRY_SECONDS)
    return _answer(request, 429, problems.TOO_MANY, again, **{"Retry-After": retry})


def _answer(
    request: HttpRequest, status: int, detail: str, told: object = None, **headers: str
) -> HttpResponse:
    if request.path.startswith(problems.ADDRESS):
        return problems.problem(status, detail, **headers)
    page = render_to_string(f"{status}.html", told)  # type: ignore[arg-type]
    return HttpResponse(page, status=status, headers={"Cache-Control": "no-store", **headers})
