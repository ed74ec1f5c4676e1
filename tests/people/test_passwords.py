"""Changing a password, and setting a new one by mail."""

import re
from email import message_from_string, policy

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from people import locks
from people.models import User
from people.setup_code import setup_code
from tests.factories import PASSWORD, make_user
from tests.pages import text_of

NEW = "another long and boring passphrase"
LOGIN, CHANGE, RESET = map(reverse, ("login", "account_change_password", "account_reset_password"))
TWICE = {"password1": NEW, "password2": NEW}


def signs_in(client, password):
    answer = client.post(reverse("login"), {"username": "ruth", "password": password})
    return answer.status_code == 302


@pytest.fixture
def reachable(user):
    """The person, with a confirmed mail address."""
    EmailAddress.objects.create(user=user, email="ruth@example.org", verified=True, primary=True)
    return user


@pytest.fixture
def by_mail_address(settings):
    """People sign in with it, as where EMAIL_URL is set at the start."""
    settings.ACCOUNT_LOGIN_METHODS = {"username", "email"}


def link_in(letter):
    """The address in the letter, as a mail program shows it."""
    text = message_from_string(letter, policy=policy.default).get_content()
    return re.search(r"https?://\S+", text)[0]


def path_in(letter):
    return "/" + link_in(letter).split("/", 3)[3]


def send(client, page, **fields):
    """Send the form of the page, with its own token. Returns the page after it."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', main_of(page))[1]
    path = page.wsgi_request.path
    return client.post(path, {"csrfmiddlewaretoken": token, **fields}, follow=True)


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


def test_a_new_password_by_mail_ends_the_lock_of_the_account_there(client, letters, reachable):
    def guess():
        for _ in range(locks.FAILURES):
            Client(REMOTE_ADDR="10.0.0.2").post(
                reverse("login"), {"username": "ruth", "password": "wrong"}
            )

    guess()
    client.post(RESET, {"email": "ruth@example.org"})
    form = client.get(path_in(letters.next()))["Location"]
    assert not signs_in(client, PASSWORD)
    client.post(form, TWICE)
    # Whoever guesses goes on, before the person comes to the sign-in page.
    guess()
    assert signs_in(client, NEW)


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


@pytest.mark.usefixtures("by_mail_address")
def test_a_mail_leads_from_a_forgotten_password_to_the_cages(letters, reachable):
    browser = Client(enforce_csrf_checks=True)
    page = browser.get(RESET)
    send(browser, page, email="ruth@example.org")
    page = browser.get(path_in(letters.next()), follow=True)
    page = send(browser, page, **TWICE)
    assert "Password successfully changed" in text_of(page)
    page = send(browser, page, username="ruth@example.org", password=NEW)
    assert page.redirect_chain[-1][0] == reverse("cage-list")


@pytest.mark.usefixtures("by_mail_address")
def test_a_mail_leads_from_a_new_address_to_signing_in_with_it(letters, user):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    path = reverse("account_email")
    send(browser, browser.get(path), email="ruth@example.org", action_add="")
    link = path_in(letters.next())
    assert not EmailAddress.objects.filter(verified=True).exists()
    # In the browser of the phone, in which nobody is signed in.
    phone = Client(enforce_csrf_checks=True)
    page = phone.get(link)
    assert "ruth@example.org" in main_of(page)
    assert not EmailAddress.objects.filter(verified=True).exists()
    page = send(phone, page)
    assert "You have confirmed ruth@example.org" in text_of(page)
    assert User.objects.get(pk=user.pk).email == "ruth@example.org"
    page = send(phone, phone.get(LOGIN), username="ruth@example.org", password=PASSWORD)
    assert page.wsgi_request.user == user


def test_an_address_that_another_account_has_confirmed_is_refused_in_words(letters, user, client):
    address = {"email": "ruth@example.org", "verified": False, "primary": True}
    for person in (user, make_user("vera")):
        own = EmailAddress.objects.create(user=person, **address)
        own.send_confirmation()
        page = client.post(path_in(letters.next()), follow=True)
    assert "already confirmed by a different account" in text_of(page)
    assert list(EmailAddress.objects.filter(verified=True).values_list("user", flat=True)) == [
        user.pk
    ]


def test_an_error_of_allauth_without_a_template_is_shown(client, user):
    EmailAddress.objects.create(user=user, email="ruth@example.org", verified=False)
    client.post(LOGIN, {"username": "ruth", "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"), follow=True)
    assert "until you have verified your email address" in text_of(page)


# The length


SHORT, LONG = "7 dull owls", "8 dull owls."


def is_short(form, field):
    """Whether the form says so of this field."""
    return any("at least 12 characters" in error for error in form.errors.get(field, []))


def change(request, client, letters):
    client.force_login(request.getfixturevalue("user"))
    return CHANGE, {"oldpassword": PASSWORD}, "password1"


def set_first(request, client, letters):
    person = request.getfixturevalue("user")
    person.set_unusable_password()
    person.save()
    client.force_login(person)
    return reverse("account_set_password"), {}, "password1"


def reset(request, client, letters):
    request.getfixturevalue("reachable")
    client.post(RESET, {"email": "ruth@example.org"})
    return path_in(letters.next()), {}, "password1"


def register(request, client, letters):
    request.getfixturevalue("user")
    return reverse("register"), {"username": "vera"}, "password2"


def set_up(request, client, letters):
    request.getfixturevalue("db")
    fields = {"username": "ada", "code": setup_code()}
    return reverse("setup"), fields, "password2"


@pytest.mark.parametrize("form", [change, set_first, reset, register, set_up])
def test_a_new_password_has_at_least_twelve_characters_and_its_form_says_so(
    request, client, settings, letters, form
):
    assert (len(SHORT), len(LONG)) == (11, 12)
    settings.REGISTRATION_OPEN = True
    path, fields, at = form(request, client, letters)
    page = client.get(path, follow=True)
    path = page.wsgi_request.path
    assert "at least 12 characters" in main_of(page)
    refused = client.post(path, fields | dict.fromkeys(("password1", "password2"), SHORT))
    assert is_short(refused.context["form"], at)
    taken = client.post(path, fields | dict.fromkeys(("password1", "password2"), LONG))
    assert taken.status_code == 302 or "waits" in main_of(taken)


def test_a_common_password_is_refused(client_of, user):
    common = "qwertyuiop123"
    form = {"oldpassword": PASSWORD, "password1": common, "password2": common}
    answer = client_of(user).post(CHANGE, form)
    assert answer.context["form"].errors == {"password1": ["This password is too common."]}


def test_a_shorter_password_of_before_goes_on_working(client, user):
    user.set_password("12345678")
    user.save()
    assert signs_in(client, "12345678")
