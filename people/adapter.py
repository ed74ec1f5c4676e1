"""How allauth signs people in here: what it says, and where it leads."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.translation import ngettext

from people.addresses import address_of
from people.attempts import minutes_locked
from people.models import Act, SignInAct, User
from people.names import key_of

# allauth has a message for each act. A page that changes by itself needs none.
SAID = {"account/messages/password_changed.txt"}


class Adapter(DefaultAccountAdapter):
    """allauth's adapter."""

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if message_template in SAID:
            super().add_message(request, level, message_template, *args, **kwargs)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse an attempt beyond the limits before its password is looked at."""
        name = credentials.get("username", "")
        minutes = minutes_locked(name, address_of(request) or None, timezone.now())
        if minutes:
            _note(Act.LOCKED, request, name)
            raise ValidationError(
                ngettext(
                    "Too many attempts. Try again in %(minutes)d minute.",
                    "Too many attempts. Try again in %(minutes)d minutes.",
                    minutes,
                )
                % {"minutes": minutes}
            )

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        _note(Act.FAILED, request, credentials.get("username", ""))

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def is_safe_url(self, url: str) -> bool:
        # A person who presses "Sign out" after the session has ended is asked to sign in first.
        # The page after that must not be the sign-out, which takes no GET.
        return url != resolve_url("logout") and bool(super().is_safe_url(url))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("password-change")


def _note(act: Act, request: HttpRequest, name: str) -> None:
    person = User.objects.filter(key=key_of(name)).first()
    SignInAct.objects.note(act, request, person=person, name=name)
