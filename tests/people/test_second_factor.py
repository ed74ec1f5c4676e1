"""A code of an app, asked after the password."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.urls import reverse

from people import locks
from people.models import Act, SignInAct
from people.sealing import seal, unseal
from tests.factories import PASSWORD

CAGES, CODE, LOGIN = reverse("cage-list"), reverse("mfa_authenticate"), reverse("login")
FORM = {"username": "ruth", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


SECRET = "JBSWY3DPEHPK3PXP"


def code_of(secret):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def give_password(client):
    return client.post(LOGIN, FORM)


def open_after_the_password(client, name):
    """The page, which asks for the password again first."""
    asked = client.get(reverse(name))["Location"]
    return client.post(asked, {"password": PASSWORD}, follow=True)


@pytest.fixture
def secret(user):
    TOTP.activate(user, SECRET)
    return SECRET


def test_a_person_adds_a_second_factor_and_gets_recovery_codes(
    client, user, django_capture_on_commit_callbacks
):
    give_password(client)
    page = open_after_the_password(client, "mfa_activate_totp")
    code = code_of(page.context["form"].secret)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(reverse("mfa_activate_totp"), {"code": code}, follow=True)
    assert len(answer.context["unused_codes"]) == 10
    assert set(SignInAct.objects.values_list("act", flat=True)) == {"signed_in", "factor_added"}


def test_the_password_alone_opens_nothing(client, secret):
    assert give_password(client)["Location"].startswith(CODE)
    assert client.get(CODE).status_code == 200
    assert client.get(CAGES).status_code == 302
    assert client.get("/admin/").status_code == 302
    client.post(CODE, {"code": code_of(secret)})
    assert client.get(CAGES).status_code == 200


def test_wrong_codes_are_limited_as_passwords_are(client, secret, user):
    give_password(client)
    for _ in range(locks.FAILURES):
        client.post(CODE, {"code": "000000"})
    answer = client.post(CODE, {"code": code_of(secret)})
    assert "Too many attempts" in answer.context["form"].errors["code"][0]
    assert SignInAct.objects.filter(person=user, act=Act.FAILED).count() == locks.FAILURES


def test_a_person_who_gives_no_code_can_cancel(client, secret):
    give_password(client)
    client.post(reverse("account_logout"))
    assert 'name="password"' in client.get(LOGIN).content.decode()


def test_a_person_removes_the_second_factor(client, secret, user):
    give_password(client)
    client.post(CODE, {"code": code_of(secret)})
    open_after_the_password(client, "mfa_deactivate_totp")
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert SignInAct.objects.filter(person=user, act=Act.FACTOR_REMOVED).exists()


def test_its_secret_is_sealed_with_the_secret_key(client, secret, user, settings):
    stored = Authenticator.objects.get(user=user, type="totp").data["secret"]
    assert secret not in stored
    assert unseal(stored) == secret
    own, settings.SECRET_KEY = settings.SECRET_KEY, "another " * 8
    assert unseal(stored) != secret
    assert unseal(stored) != unseal(stored)
    by_another = seal(secret)
    # No code fits it, and the page still answers.
    settings.SECRET_KEY = own
    Authenticator.objects.filter(user=user, type="totp").update(data={"secret": by_another})
    give_password(client)
    assert client.post(CODE, {"code": code_of(secret)}).status_code == 200
    assert "_auth_user_id" not in client.session
