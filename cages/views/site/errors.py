"""Error pages. They need neither the database nor a session, which may be what failed."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from cages.api import problems


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database is away. JSON for the API."""
    is_away = isinstance(sys.exception(), (OperationalError, InterfaceError))
    status, headers = (503, {"Retry-After": "30"}) if is_away else (500, {})
    if request.path.startswith(problems.ADDRESS):
        return problems.problem(status, problems.SERVER_PROBLEMS[status], **headers)
    return HttpResponse(render_to_string(f"{status}.html"), status=status, headers=headers)
