"""Notes signing in, signing out and changed passwords, whichever page they come from."""

from typing import Any

from allauth.account.signals import password_changed
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from people.models import Act, SignInAct, User


def connect() -> None:
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    password_changed.connect(_password_changed)


def _signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    SignInAct.objects.note(Act.SIGNED_IN, request, person=user)


def _signed_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    # Nobody was signed in where there is no person.
    if user is not None:
        SignInAct.objects.note(Act.SIGNED_OUT, request, person=user)


def _password_changed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    SignInAct.objects.note(Act.PASSWORD_CHANGED, request, person=user)
