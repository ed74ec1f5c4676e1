"""Sign in by the identity provider. 404 where none is set (OIDC_SERVER_URL)."""

import requests
from allauth.account.adapter import get_adapter as account_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from redis.exceptions import RedisError

from people.oidc import OidcFlow, refuse
from people.views.accounts import nobody_has_an_account

# What a provider can cause that is away, or whose answers have another form than agreed.
FAILURES = (
    *(requests.RequestException, OAuth2Error, RedisError),
    *(AttributeError, KeyError, TypeError, ValueError),
)


@method_decorator(login_not_required, name="dispatch")
class _OidcView(View):
    def dispatch(self, request: HttpRequest, *args: str, **kwargs: str) -> HttpResponseBase:
        if not settings.OIDC:
            raise Http404("No identity provider is set.")
        if nobody_has_an_account():
            return redirect("setup")
        try:
            try:
                return super().dispatch(request, *args, **kwargs)
            except FAILURES as error:
                refuse(request, error)
        except ImmediateHttpResponse as answer:
            response: HttpResponseBase = answer.response
            return response


class OidcStartView(_OidcView):
    """Leads to the provider by a page: `form-action` of our policy lets no form go to another host.

    Only a posted form starts it, so that no other page can.
    """

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        provider = get_adapter().get_provider(request)
        wish = request.POST.get("next", "")
        page = wish if account_adapter().is_safe_url(wish) else None
        there = provider.redirect(request, AuthProcess.LOGIN, next_url=page)["Location"]
        context = {"there": there, "name": settings.OIDC["name"]}
        answer = render(request, "people/to_provider.html", context)
        answer["Refresh"] = f"0; url={there}"
        return answer


class OidcCallbackView(_OidcView):
    """Where the provider sends people back to."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        flow = OidcFlow(request, settings.OIDC["server_url"])
        answer: HttpResponseBase = OAuth2CallbackView.adapter_view(flow)(request)
        return answer
