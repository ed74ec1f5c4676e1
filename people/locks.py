"""How many attempts to sign in are allowed. They are counted in the log of sign-in acts.

So the limits hold in all processes, and while Redis is away. An account and an address are locked
in the same words whether or not there is such an account, and a lock ends by itself.

Wrong attempts lock an account everywhere but at the addresses that know it: those from which its
person has come in lately. There only the attempts from that address count, so nobody elsewhere can
keep the person out.
"""

import math
from datetime import datetime, timedelta

from allauth.account.internal.userkit import filter_users_by_email
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from people.addresses import address_of
from people.models import User
from people.models.sign_in import CAME_IN, Act, SignInAct
from people.names import key_of

# Wrong attempts for one account before a lock, and again before each next one.
FAILURES = 5
# The first lock, the second, and so on; the last one repeats.
LOCKS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
FORGOTTEN_AFTER = timedelta(hours=24)
ADDRESS_FAILURES = 20
ADDRESS_WITHIN = timedelta(minutes=10)
# A refused attempt is noted once in this time, so that nobody fills the log.
REFUSAL_NOTED_EVERY = timedelta(minutes=1)
# Mails to set a new password: for one mail address, and from one browser's address.
MAILS = 3
MAILS_WITHIN = timedelta(hours=1)
# After one of these an account begins anew, whoever tried. A sign-in forgets only what came from
# its own address: who guesses elsewhere would otherwise have further attempts each time.
CLEARING = (Act.LOCK_ENDED, Act.PASSWORD_RESET)
# An address knows an account for so long after its person came in from there.
KNOWN_FOR = timedelta(days=30)


def account_of(name: str) -> User | None:
    """The account that somebody who types this name means; three queries at most."""
    person = User.objects.filter(key=key_of(name)).first()
    if person is None and settings.EMAIL_URL and "@" in name:
        found = filter_users_by_email(name, prefer_verified=True, for_login=True)
        person = found[0] if found else None
    return person


def knows(address: str | None, person: User | None, now: datetime) -> bool:
    """Whether the person has come in from the address within KNOWN_FOR."""
    if address is None or person is None:
        return False
    # By the person: whoever had the name before is somebody else.
    came_in = SignInAct.objects.filter(person=person, address=address, act__in=CAME_IN)
    return came_in.filter(at__gt=now - KNOWN_FOR).exists()


def locked_until(
    name: str, person: User | None, address: str | None, now: datetime
) -> datetime | None:
    """When the lock of the account ends for this address, or None if there is none."""
    acts = SignInAct.objects.of(key_of(name), person).filter(at__gt=now - FORGOTTEN_AFTER)
    cleared = acts.filter(act__in=CLEARING).order_by("-at").first()
    # Where addresses are not known, all attempts are from the same one.
    same_address = Q(address=OuterRef("address")) | Q(address=None)
    signed_in = acts.filter(same_address, act=Act.SIGNED_IN, at__gte=OuterRef("at"))
    failed = acts.filter(~Exists(signed_in), act=Act.FAILED)
    if cleared:
        failed = failed.filter(at__gt=cleared.at)
    if knows(address, person, now):
        failed = failed.filter(address=address)
    count = failed.count()
    turn = count // FAILURES
    if not turn:
        return None
    # Attempts at the same moment may all have been let in, so the last one may not be the fifth.
    at = failed.order_by("-at").values_list("at", flat=True)[count - turn * FAILURES]
    until = at + LOCKS[min(turn, len(LOCKS)) - 1]
    return until if until > now else None


def address_locked_until(address: str | None, now: datetime) -> datetime | None:
    """When the address may try again, or None if it may now."""
    if address is None:
        return None
    failed = SignInAct.objects.filter(address=address, act=Act.FAILED, at__gt=now - ADDRESS_WITHIN)
    newest = list(failed.order_by("-at").values_list("at", flat=True)[:ADDRESS_FAILURES])
    return newest[-1] + ADDRESS_WITHIN if len(newest) == ADDRESS_FAILURES else None


def refuse_if_locked(request: HttpRequest, name: str) -> User | None:
    """Raise ValidationError while the account or the address is locked.

    Returns the account that is meant, if there is one.
    """
    now, address, person = timezone.now(), address_of(request) or None, account_of(name)
    locks = locked_until(name, person, address, now), address_locked_until(address, now)
    ends = [end for end in locks if end]
    if not ends:
        return person
    noted = SignInAct.objects.of(key_of(name), person).filter(
        act=Act.LOCKED, at__gt=now - REFUSAL_NOTED_EVERY
    )
    if not noted.exists():
        SignInAct.objects.note(Act.LOCKED, request, name=name, person=person)
    raise _refusal(max(ends) - now)


def refuse_if_address_locked(request: HttpRequest) -> None:
    """Raise ValidationError while the address is locked. For an attempt that names no account."""
    now = timezone.now()
    if until := address_locked_until(address_of(request) or None, now):
        raise _refusal(until - now)


def refuse_if_mailed_often(request: HttpRequest, mail: str) -> None:
    """Raise ValidationError if too many mails were asked for; else note that one is."""
    now, address = timezone.now(), address_of(request) or None
    asked = SignInAct.objects.filter(act=Act.RESET_ASKED, at__gt=now - MAILS_WITHIN)
    for_it, from_there = asked.filter(key=key_of(mail)), asked.filter(address=address)
    if for_it.count() >= MAILS or (address and from_there.count() >= ADDRESS_FAILURES):
        raise _refusal(MAILS_WITHIN)
    # Without the person: the log must not grow differently for an account that exists.
    SignInAct.objects.note(Act.RESET_ASKED, request, name=mail)


def _refusal(wait: timedelta) -> ValidationError:
    minutes = math.ceil(wait / timedelta(minutes=1))
    return ValidationError(
        ngettext(
            "Too many attempts. Try again in %(minutes)d minute.",
            "Too many attempts. Try again in %(minutes)d minutes.",
            minutes,
        ),
        code="locked",
        params={"minutes": minutes},
    )
