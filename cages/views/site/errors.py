"""Error pages. They need neither the database nor a session, which may be what failed."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from cages.api import problems


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database is away. JSON for the API."""
    is_away = isinstance(sys.exception(), (OperationalError, InterfaceError))
    if problems.is_for_api(request):
        return problems.server_problem(503 if is_away else 500)
    if is_away:
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "30"})
    return HttpResponse(render_to_string("500.html"), status=500)
