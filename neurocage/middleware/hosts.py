"""Refuses requests to other host names, where the names are learned at the set-up."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from neurocage.address import said_at_the_set_up
from people.models import User


class HostMiddleware:
    """Does for learned names what ALLOWED_HOSTS does for those in the environment.

    Until the set-up nobody can know the name, so /setup/ answers to any, and / leads there.
    /healthz always does: it says only that the process lives, and must not need the database.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.LEARNS_HOSTS or request.path == reverse("healthz"):
            return self.get_response(request)
        host = split_domain_port(request.get_host())[0]
        if host not in settings.LOCAL_HOSTS:
            said = said_at_the_set_up()
            if said is None and not User.objects.exists():
                if request.path == reverse("home"):
                    return redirect("setup")
                if request.path == reverse("setup"):
                    return self.get_response(request)
            if said is None or host not in said.hosts:
                raise DisallowedHost(
                    f"{host!r} is not a name of this server. `manage.py address` says which is."
                )
        return self.get_response(request)
