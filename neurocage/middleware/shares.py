"""No person can take all threads of the web server."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from cages.api.problems import ADDRESS
from cages.views.site import errors
from neurocage.limits import (
    ANONYMOUS_FORMS,
    ANONYMOUS_RUNNING,
    REQUESTS,
    RUN_WITHIN_SECONDS,
    RUNNING,
)

HEALTH_CHECKS = ("/healthz", "/readyz", "/metrics")


class FairShareMiddleware:
    """Limits the requests of one person that are answered at the same time.

    The API has its own limit, for each person whose tokens are used. People who are not signed in
    are limited together, and only in sending forms. Health checks are never refused.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(ADDRESS) or request.path in HEALTH_CHECKS:
            return self.get_response(request)
        if request.user.is_authenticated:
            limit, running = REQUESTS, RUNNING
        elif request.method == "POST":
            limit, running = ANONYMOUS_FORMS, ANONYMOUS_RUNNING
        else:
            return self.get_response(request)
        who = request.user.pk or "nobody"
        with limit.taken(who) as is_admitted:
            if not is_admitted:
                return errors.busy(request)
            with running.taken(who, RUN_WITHIN_SECONDS) as may_run:
                return self.get_response(request) if may_run else errors.busy(request)
