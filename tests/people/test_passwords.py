"""Changing a password, and setting a new one by mail."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse

from tests.factories import PASSWORD, make_user

NEW = "another long and boring passphrase"
CHANGE, RESET = reverse("account_change_password"), reverse("account_reset_password")
TWICE = {"password1": NEW, "password2": NEW}


def signs_in(client, password):
    answer = client.post(reverse("login"), {"username": "ruth", "password": password})
    return answer.status_code == 302


@pytest.fixture
def reachable(user):
    """The person, with a confirmed mail address."""
    EmailAddress.objects.create(user=user, email="ruth@example.org", verified=True, primary=True)
    return user


def link_in(letter):
    text = letter.replace("=\r\n", "").replace("=3D", "=")
    return re.search(r"https?://\S+", text)[0]


def main_of(answer):
    return answer.content.decode().partition("<main")[2].partition("</main>")[0]


def test_a_person_changes_the_password_and_stays_signed_in_only_there(client_of, client, user):
    here, elsewhere = client_of(user), client_of(user)
    assert "Change password" in here.get(reverse("cage-list")).content.decode()
    here.post(CHANGE, {"oldpassword": PASSWORD, **TWICE})
    assert here.get(reverse("cage-list")).status_code == 200
    assert elsewhere.get(reverse("cage-list")).status_code == 302
    assert not signs_in(client, PASSWORD)
    assert signs_in(client, NEW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"oldpassword": "wrong"},
        {"password2": "something else"},
        {"password1": "12345678", "password2": "12345678"},
    ],
)
def test_a_password_is_not_changed_by_a_wrong_form(client_of, client, user, wrong):
    answer = client_of(user).post(CHANGE, {"oldpassword": PASSWORD, **TWICE, **wrong})
    assert answer.context["form"].errors
    assert signs_in(client, PASSWORD)


@pytest.mark.parametrize("path", [RESET, reverse("account_email")])
def test_without_a_mail_server_no_page_sends_mail(client_of, user, path):
    assert client_of(user).get(path).status_code == 404
    assert RESET not in client_of(user).get(reverse("login"), follow=True).content.decode()


def test_a_new_password_is_set_by_a_mail_from_the_facilitys_address(
    client, letters, reachable, settings
):
    settings.BASE_URL, settings.ALLOWED_HOSTS = "https://cages.example.org", ["*"]
    client.post(RESET, {"email": "ruth@example.org"}, headers={"host": "evil.example"})
    link = link_in(letters.next())
    assert link.startswith("https://cages.example.org/accounts/password/reset/")
    path = link.removeprefix("https://cages.example.org")
    form = client.get(path)["Location"]
    client.post(form, TWICE)
    assert signs_in(client, NEW)
    # A link works once.
    assert "used already" in client.get(path, follow=True).content.decode()


def test_the_page_says_the_same_of_an_unknown_address(client, letters, reachable):
    pages = [
        main_of(client.post(RESET, {"email": email}, follow=True))
        for email in ("nobody@example.org", "ruth@example.org")
    ]
    assert pages[0] == pages[1]
    assert "is on its way" in pages[0]
    # The first one got none.
    assert "ruth@example.org" in letters.next()


def test_an_account_switched_off_gets_no_mail(client, letters, reachable):
    EmailAddress.objects.create(user=make_user("otto"), email="otto@example.org", verified=True)
    type(reachable).objects.filter(pk=reachable.pk).update(is_active=False)
    for email in ("ruth@example.org", "otto@example.org"):
        client.post(RESET, {"email": email})
    assert "otto@example.org" in letters.next()


def test_a_person_gives_a_mail_address_and_confirms_it(client_of, letters, user):
    client = client_of(user)
    client.post(reverse("account_email"), {"email": "ruth@example.org", "action_add": ""})
    path = "/" + link_in(letters.next()).split("/", 3)[3]
    assert not EmailAddress.objects.filter(verified=True).exists()
    client.post(path)
    assert EmailAddress.objects.get().verified
    user.refresh_from_db()
    assert user.email == "ruth@example.org"
