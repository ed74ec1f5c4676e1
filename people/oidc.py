"""Sign-in by the identity provider that OIDC_SERVER_URL names, through allauth.

allauth walks through OpenID Connect with a code and PKCE. Here is how it asks, how far an answer is
believed, and whose account it opens.
"""

import io
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from neurocage.address import absolute
from people.addresses import address_of
from people.locks import REFUSAL_NOTED_EVERY
from people.models import Act, Registration, SignInAct, User
from people.newcomers import register

logger = logging.getLogger(__name__)

# For one step: to connect, or to wait for the next bytes. And for a whole answer.
TIMEOUT_SECONDS, DEADLINE_SECONDS = 5, 10
LARGEST_ANSWER = 256 * 1024
CHUNK = 8 * 1024
SUBJECT_LENGTH = 191
LOGGED_LENGTH = 300
# What is noted while it is not known whose account is meant. No account has a name with a blank.
NOTED_AS = "identity provider"
_asking = ThreadPoolExecutor(max_workers=4, thread_name_prefix="identity-provider")


class BoundedSession(requests.Session):
    """Follows no redirect, and raises RequestException for an answer that is slow or large."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        # Beside the request: a header that comes a byte at a time would never meet the timeout.
        asked = _asking.submit(self._whole, method, url, *args, **kwargs)
        try:
            return asked.result(DEADLINE_SECONDS)
        except TimeoutError:
            raise requests.Timeout("No whole answer in time.") from None

    def _whole(self, *args: Any, **kwargs: Any) -> requests.Response:
        until = time.monotonic() + DEADLINE_SECONDS
        kwargs |= {"timeout": TIMEOUT_SECONDS, "stream": True, "allow_redirects": False}
        body = b""
        with super().request(*args, **kwargs) as answer:
            for chunk in answer.iter_content(CHUNK):
                body += chunk
                if len(body) > LARGEST_ANSWER or time.monotonic() > until:
                    raise requests.RequestException("The answer is too large or too slow.")
        whole = requests.Response()
        whole.status_code, whole.reason, whole.url = answer.status_code, answer.reason, answer.url
        whole.headers, whole.encoding, whole.raw = answer.headers, answer.encoding, io.BytesIO(body)
        return whole


class OidcFlow(OpenIDConnectOAuth2Adapter):
    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself. Raises ValueError for what cannot be trusted."""
        config: dict[str, Any] = super().openid_config
        if config["issuer"].rstrip("/") != settings.OIDC["server_url"]:
            raise ValueError("The issuer is not OIDC_SERVER_URL.")
        scheme = urlsplit(settings.OIDC["server_url"]).scheme
        for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint"):
            # http is for localhost only.
            if urlsplit(config[name]).scheme not in {"https", scheme}:
                raise ValueError(f"The {name} is not https.")
        return config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return absolute(reverse("oidc-callback"))


class OidcProvider(OpenIDConnectProvider):
    oauth2_adapter_class = OidcFlow

    def extract_uid(self, data: dict[str, Any]) -> str:
        """The provider's name of the person. Raises OAuth2Error for one that is not to be used."""
        subject = data["id_token"]["sub"]
        # Another one would be an answer about another person (OpenID Connect Core 1.0, 5.3.2).
        if data["userinfo"]["sub"] != subject:
            raise OAuth2Error("Two answers name different people.")
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH:
            raise OAuth2Error("The subject is no text of a usable length.")
        if "\x00" in subject:
            raise OAuth2Error("The subject holds a NUL.")
        return subject

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing: what the provider says of a person is not kept."""
        return {}


class OidcAdapter(DefaultSocialAccountAdapter):
    """The one provider of the settings, and whose account it opens."""

    def get_app(self, request: HttpRequest, *args: Any, **kwargs: Any) -> SocialApp:
        known = settings.OIDC
        return SocialApp(
            provider=OidcProvider.id,
            # People are known by it. A provider at another address may use the same subjects.
            provider_id=known["server_url"],
            name=known["name"],
            client_id=known["client_id"],
            secret=known["client_secret"],
            settings={"server_url": known["server_url"], "oauth_pkce_enabled": True},
        )

    def get_provider(self, request: HttpRequest, *args: Any, **kwargs: Any) -> OidcProvider:
        return OidcProvider(request, app=self.get_app(request))

    def get_requests_session(self) -> requests.Session:
        return BoundedSession()

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        """(the person, the address) where the provider and Neurocage have both confirmed it.

        Nobody who is linked already: the address may have been given to another person.
        """
        confirmed = [each.email.lower() for each in sociallogin.email_addresses if each.verified]
        linked = SocialAccount.objects.filter(provider=sociallogin.account.provider)
        known = (
            EmailAddress.objects.filter(email__in=confirmed, verified=True)
            .exclude(user__in=linked.values("user"))
            .select_related("user")
            .first()
        )
        return (known.user, known.email) if known else None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let in who may sign in. Others are told why not, and unknown people register."""
        person = sociallogin.user
        if not sociallogin.is_existing:
            if register(request, sociallogin) is None:
                _refuse(request, _("Too many people wait already. Try again later."))
            raise ImmediateHttpResponse(render(request, "people/waiting.html"))
        if Registration.objects.filter(person=person.pk).exists():
            _refuse(request, _("Your account waits for an administrator."), person)
        if not person.is_active:
            _refuse(request, _("Your account is closed. Ask an administrator."), person)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: OidcProvider,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        if error == AuthError.CANCELLED:
            raise ImmediateHttpResponse(redirect("login"))
        refuse(request, exception)


def refuse(request: HttpRequest, error: Exception | None) -> NoReturn:
    """Log why a sign-in by the provider failed, and raise the answer for the person."""
    # The person can change nothing of it, and the operator finds a wrong secret by it.
    why = f"{type(error).__name__}: {error}"[:LOGGED_LENGTH]
    logger.warning("A sign-in by the identity provider failed: %s", why)
    name = {"name": settings.OIDC["name"]}
    if isinstance(error, requests.RequestException):
        _refuse(request, _("%(name)s does not answer. Sign in with your password.") % name)
    _refuse(request, _("The sign-in with %(name)s failed. Try it again.") % name)


def _refuse(request: HttpRequest, message: str, person: User | None = None) -> NoReturn:
    noted = SignInAct.objects.filter(
        act=Act.PROVIDER_FAILED,
        address=address_of(request) or None,
        person=person,
        at__gt=timezone.now() - REFUSAL_NOTED_EVERY,
    )
    if not noted.exists():
        name = "" if person else NOTED_AS
        SignInAct.objects.note(Act.PROVIDER_FAILED, request, name=name, person=person)
    messages.error(request, message)
    raise ImmediateHttpResponse(redirect("login"))
