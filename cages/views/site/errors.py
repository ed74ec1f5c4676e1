"""The pages for when something is wrong. None of them needs anything that may be what is wrong."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from cages.api import problems


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 with its own words while the database is away; JSON for programs."""
    is_away = isinstance(sys.exception(), (OperationalError, InterfaceError))
    if problems.is_for_api(request):
        return problems.server_problem(503 if is_away else 500)
    if is_away:
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "30"})
    return HttpResponse(render_to_string("500.html"), status=500)
