"""Passkeys: add, name, list, remove, sign in with one, and confirm with one."""

from typing import Any

from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import views as webauthn_views
from allauth.mfa.webauthn.internal import auth
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from people.access import person_of
from people.passkeys import AT_MOST, refusal

LIST = "mfa_list_webauthn"


class PasskeysView(webauthn_views.ListWebAuthnView):
    """The person's passkeys, or why there can be none at this address."""

    template_name = "mfa/webauthn/list.html"

    def get_queryset(self) -> QuerySet[Authenticator]:
        own: QuerySet[Authenticator] = super().get_queryset()
        return own.order_by("pk")[:AT_MOST]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(
            refusal=refusal(self.request), at_most=AT_MOST, **kwargs
        )
        return context


class AddPasskeyView(webauthn_views.AddWebAuthnView):
    """A new passkey. The list tells why, where passkeys do not work."""

    template_name = "mfa/webauthn/add.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and refusal(request):
            return redirect(LIST)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Not allauth's, which lets people make keys that ask for no finger, face or PIN. They would
        # open nothing without the password.
        context = super(webauthn_views.AddWebAuthnView, self).get_context_data(**kwargs)
        options = auth.begin_registration(person_of(self.request), passwordless=True)
        return {**context, "js_data": {"creation_options": options}}

    def get_success_url(self) -> str:
        return reverse("mfa_view_recovery_codes" if self.did_generate_recovery_codes else LIST)


class NamePasskeyView(webauthn_views.EditWebAuthnView):
    template_name = "mfa/webauthn/name.html"


class RemovePasskeyView(webauthn_views.RemoveWebAuthnView):
    template_name = "mfa/webauthn/remove.html"


class ConfirmPasskeyView(webauthn_views.ReauthenticateWebAuthnView):
    """Confirms with a passkey that it is still the same person."""

    template_name = "mfa/webauthn/confirm.html"

    def form_invalid(self, form: Form) -> HttpResponse:
        return _told(self.request, form, self.request.get_full_path())


@method_decorator(login_not_required, name="dispatch")
class PasskeySignInView(webauthn_views.LoginWebAuthnView):
    """Gives a challenge as JSON, and signs in who posts the answer of a passkey to it."""

    def form_invalid(self, form: Form) -> HttpResponse:
        return _told(self.request, form, "login")


class SecondFactorView(AuthenticateView):
    """Asks for a code or a passkey after the password."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = Authenticator.objects.filter(user=self.stage.login.user)
        types = set(own.values_list("type", flat=True))
        return {
            **super().get_context_data(**kwargs),
            "has_app": Authenticator.Type.TOTP in types,
            "has_passkey": Authenticator.Type.WEBAUTHN in types and not refusal(self.request),
        }


def _told(request: HttpRequest, form: Form, then: str) -> HttpResponse:
    """The next page, which shows what is wrong."""
    for message in form.errors.get("credential", []):
        messages.error(request, str(message))
    return redirect(then)
