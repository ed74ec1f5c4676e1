"""Labs, roles, tokens, sessions and sign-ins for the tests of pages in a browser."""

from datetime import timedelta

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore

from people.models import Act, ApiToken, Lab, Registration, Role, SignInAct
from tests.factories import PASSWORD, make_member, make_user

LONG = "Maximiliane-Charlotte von Hohenzollern-Sigmaringen-Altenburg"
BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4.1 Safari/605.1.15"
)
# These ask for the password again, unless it was typed a few minutes ago.
CONFIRMED = [
    "/accounts/factor/confirm/",
    "/accounts/factor/remove/",
    "/accounts/factor/recovery/",
    "/accounts/factor/recovery/new/",
    "/accounts/passkeys/",
    "/accounts/passkeys/900/",
    "/accounts/passkeys/900/remove/",
    "/accounts/confirm/",
]
# The pages that `add_people` fills.
ADDRESSES = [
    "/labs/",
    "/labs/?q=nothing+like+it",
    "/labs/900/",
    "/tokens/people/",
    "/changes/?text=limit",
    "/accounts/sessions/",
    "/accounts/sign-ins/",
    "/accounts/sign-ins/all/?name=nobody+like+it",
    "/accounts/sign-ins/all/?name=ada",
    "/accounts/waiting/",
    "/accounts/password/change/",
    "/accounts/mail/",
    "/accounts/factor/",
    "/sensors/",
]


def add_people(person, now):
    """Something on each of CONFIRMED and ADDRESSES, with the longest words of practice."""
    lab = Lab.objects.create(pk=900, name="Behavioural Neurobiology of Circadian Rhythms Group")
    make_member(person, lab, Role.ADMINISTRATOR)
    for name, role in ((LONG.replace(" ", "."), Role.VET), ("bo", Role.VIEWER)):
        member = make_user(name)
        make_member(member, lab, role)
        ApiToken.objects.issue(member, f"Notebook of {name}", now, expires_at=now)
    lab.cage_limit = 1200
    lab.save()
    waiting = make_user(f"waiting.{LONG.replace(' ', '.')}", email=f"{'w' * 40}@example.org")
    for each in (waiting, make_user("wim")):
        Registration.objects.create(person=each, at=now)
    for number, act in enumerate(Act):
        SignInAct.objects.create(
            at=now - timedelta(hours=number),
            person=person,
            name=LONG if number % 2 else person.username,
            address="2001:db8:85a3:8d3:1319:8a2e:370:7348",
            act=act,
            user_agent=BROWSER,
        )
    for address in ("192.0.2.7", "2001:db8:85a3:8d3:1319:8a2e:370:7348"):
        session = SessionStore()
        session.create()
        UserSession.objects.create(
            user=person,
            session_key=session.session_key,
            ip=address,
            user_agent=BROWSER,
            last_seen_at=now,
        )
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(person)
    # Only its name is shown.
    Authenticator.objects.create(
        pk=900, user=person, type=Authenticator.Type.WEBAUTHN, data={"name": LONG.replace(" ", "")}
    )


def confirm(page):
    """Type the password again, which CONFIRMED ask for."""
    page.goto("/accounts/confirm/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(lambda url: "/accounts/confirm/" not in url)
