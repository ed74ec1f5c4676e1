"""Notes each sign-in act that Django or allauth tells of."""

from typing import Any

from allauth.account import signals
from allauth.mfa import signals as mfa_signals
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.signals import social_account_added
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from people.models.sign_in import Act, SignInAct
from people.models.user import User

ACTS = {
    user_logged_in: Act.SIGNED_IN,
    user_logged_out: Act.SIGNED_OUT,
    signals.password_changed: Act.PASSWORD_CHANGED,
    signals.password_set: Act.PASSWORD_CHANGED,
    signals.password_reset: Act.PASSWORD_RESET,
    mfa_signals.authentication_failed: Act.FAILED,
    mfa_signals.authenticator_added: Act.FACTOR_ADDED,
    mfa_signals.authenticator_removed: Act.FACTOR_REMOVED,
}


@receiver(list(ACTS))
def note(signal: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    # Somebody whose session has ended may sign out too.
    if user is not None:
        SignInAct.objects.note(ACTS[signal], request, person=user)


@receiver(social_account_added)
def note_link(request: HttpRequest, sociallogin: SocialLogin, **kwargs: Any) -> None:
    SignInAct.objects.note(Act.LINKED, request, person=sociallogin.user)
