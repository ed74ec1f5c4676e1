"""The moment of a request."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

# The moment of the answer, for open pages: the clock of a browser may be wrong.
SERVER_TIME = "Server-Time"


def now_of(request: HttpRequest) -> datetime:
    """The moment of the request, in UTC. Whoever asks gets the same, so a page has one clock."""
    moment: datetime = vars(request).setdefault("moment", timezone.now())
    return moment


def dated(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: each answer says of which moment it is, and no copy of it is stored.

    A stored copy would show a past state as if it were the present one. Static files do not pass
    through here.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        now = now_of(request)
        response = get_response(request)
        response.headers[SERVER_TIME] = now.isoformat()
        if "no-store" not in response.headers.get("Cache-Control", ""):
            response.headers["Cache-Control"] = "private, no-store"
        return response

    return answer
