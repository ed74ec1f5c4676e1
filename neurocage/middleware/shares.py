"""No person can take all threads of the web server."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from cages.api.problems import ADDRESS
from cages.views.site import errors
from neurocage.limits import (
    ANONYMOUS_FORMS,
    ANONYMOUS_RUN_WITHIN_SECONDS,
    ANONYMOUS_RUNNING,
    REQUESTS,
    RUN_WITHIN_SECONDS,
    RUNNING,
)
from people.addresses import address_of

HEALTH_CHECKS = ("/healthz", "/readyz", "/metrics")


class FairShareMiddleware:
    """Limits the requests of one person that are answered at the same time.

    The API has its own limit, for each person whose tokens are used. People who are not signed in
    are limited by address, and only in sending forms. Health checks are never refused.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(ADDRESS) or request.path in HEALTH_CHECKS:
            return self.get_response(request)
        if request.user.is_authenticated:
            admitted = REQUESTS.taken(request.user.pk)
            running = RUNNING.taken(request.user.pk, RUN_WITHIN_SECONDS)
        elif request.method == "POST":
            admitted = ANONYMOUS_FORMS.taken(address_of(request))
            running = ANONYMOUS_RUNNING.taken("nobody", ANONYMOUS_RUN_WITHIN_SECONDS)
        else:
            return self.get_response(request)
        with admitted as is_admitted:
            if not is_admitted:
                return errors.busy(request)
            with running as may_run:
                return self.get_response(request) if may_run else errors.busy(request)
