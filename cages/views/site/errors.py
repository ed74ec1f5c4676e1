"""Error pages. They need neither the database nor a session, which may be what failed."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from cages import outage
from cages.api import problems


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database cannot do its work. JSON for the API."""
    cause = outage.why_unavailable(sys.exception())
    status, headers = (503, {"Retry-After": "30"}) if cause else (500, {})
    if request.path.startswith(problems.ADDRESS):
        return problems.problem(status, problems.SERVER_PROBLEMS[status], **headers)
    return HttpResponse(
        render_to_string(f"{status}.html", {"cause": cause}), status=status, headers=headers
    )
