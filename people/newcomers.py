"""People whom the identity provider knows and Neurocage does not."""

import itertools
import re
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialLogin
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from people.models import Act, Registration, SignInAct, User
from people.models.registration import WAITING_AT_MOST
from people.names import key_of

NAME_LENGTH = 100
UNUSABLE = re.compile(r"[^\w.@+-]")
NAMELESS = "person"


@transaction.atomic
def register(request: HttpRequest, login: SocialLogin) -> User | None:
    """Make an account that waits for an administrator, or None where too many people wait.

    It has no password and the name that the provider gives, with a number where that is taken. A
    mail address is taken over if the provider has confirmed it and nobody else has it.
    """
    if Registration.objects.count() >= WAITING_AT_MOST:
        return None
    confirmed = next((each.email.lower() for each in login.email_addresses if each.verified), "")
    person = User(
        username=free_name(login.user.username or confirmed.partition("@")[0]),
        email="" if _is_known(confirmed) else confirmed,
        is_active=False,
    )
    person.set_unusable_password()
    person.save()
    login.account.user = person
    login.account.save()
    Registration.objects.create(person=person)
    SignInAct.objects.note(Act.REGISTERED, request, person=person)
    return person


def free_name(wish: str) -> str:
    """The name without what no username holds, and with a number where somebody has it."""
    plain = UNUSABLE.sub("", wish)[:NAME_LENGTH] or NAMELESS
    numbered = (f"{plain}{number}" for number in itertools.count(2))
    names = itertools.chain([plain], numbered)
    return next(name for name in names if not User.objects.filter(key=key_of(name)).exists())


def _is_known(address: str) -> bool:
    by_mail: Any = Q(email__iexact=address)
    return bool(address) and (
        User.objects.filter(by_mail).exists() or EmailAddress.objects.filter(by_mail).exists()
    )
