"""Sign-in by an identity provider, against a real one."""

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from local_stack.ports import free_port
from people import newcomers, oidc
from people.models import Act, Registration, SignInAct, User
from tests.factories import PASSWORD, make_user
from tests.pages import text_of
from tests.people.provider import query_of, running_provider

CAGES, LOGIN, START, BACK = map(reverse, ("cage-list", "login", "oidc-start", "oidc-callback"))
FAILED = "The sign-in with Institute failed."


@pytest.fixture(scope="module")
def provider():
    with running_provider(free_port()) as provider:
        yield provider


@pytest.fixture(autouse=True)
def _cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture(autouse=True)
def _configured(provider, settings, db):
    number, secret = provider.make_client(settings.BASE_URL + BACK)
    settings.OIDC = {
        "server_url": provider.url,
        "client_id": number,
        "client_secret": secret,
        "name": "Institute",
    }
    # Before the first account there is only the set-up.
    make_user("head", is_superuser=True)


def start(client, **posted):
    """The address to which the person is led."""
    return client.post(START, posted).context["there"]


def come_back(client, query):
    return client.get(BACK, query, follow=True)


def walk(provider, subject, client=None, **claims):
    """The page after a whole sign-in."""
    client = client or Client()
    provider.knows(subject, **claims)
    return come_back(client, provider.sign_in(start(client), subject))


def who(page):
    return page.wsgi_request.user.username


def link(person, subject, settings):
    SocialAccount.objects.create(user=person, provider=settings.OIDC["server_url"], uid=subject)


def confirmed(person, mail):
    EmailAddress.objects.create(user=person, email=mail, verified=True, primary=True)
    return person


def test_the_page_of_the_sign_in_has_a_button(client):
    assert "Sign in with Institute" in text_of(client.get(LOGIN))


def test_a_linked_person_is_signed_in(provider, settings):
    link(make_user("ruth"), "u1", settings)
    page = walk(provider, "u1")
    assert who(page) == "ruth"
    assert SignInAct.objects.filter(act=Act.SIGNED_IN, name="ruth").exists()


def test_the_provider_is_asked_with_pkce_and_sends_people_back_to_the_own_address(settings):
    settings.BASE_URL, settings.ALLOWED_HOSTS = "https://cages.test", ["*"]
    query = query_of(start(Client(headers={"host": "evil.test"})))
    assert query["redirect_uri"] == [f"https://cages.test{BACK}"]
    assert query["code_challenge_method"] == ["S256"]
    assert set(query["scope"][0].split(" ")) == {"email", "openid", "profile"}


def test_it_goes_on_to_the_page_that_was_asked_for(provider, settings):
    link(make_user("ruth"), "u1", settings)
    for wish, page in (("/racks/", "/racks/"), ("https://evil.test/", CAGES)):
        client = Client()
        answer = client.get(BACK, provider.sign_in(start(client, next=wish), "u1"))
        assert answer["Location"] == page


def test_an_address_that_both_have_confirmed_links_the_account(provider):
    person = confirmed(make_user("ruth"), "ruth@lab.test")
    page = walk(provider, "u2", email="Ruth@lab.test", email_verified=True)
    assert who(page) == "ruth"
    assert SocialAccount.objects.get(user=person).uid == "u2"
    assert SignInAct.objects.filter(act=Act.LINKED, person=person).exists()
    assert person.has_usable_password()


@pytest.mark.parametrize("claims", [{"email_verified": False}, {}])
def test_an_address_that_the_provider_has_not_confirmed_links_nothing(provider, claims):
    person = confirmed(make_user("ruth"), "ruth@lab.test")
    page = walk(provider, "u3", email="ruth@lab.test", **claims)
    assert not page.wsgi_request.user.is_authenticated
    assert not SocialAccount.objects.filter(user=person).exists()


def test_an_address_that_we_have_not_confirmed_links_nothing(provider):
    person = make_user("ruth", email="ruth@lab.test")
    EmailAddress.objects.create(user=person, email="ruth@lab.test", verified=False)
    walk(provider, "u4", email="ruth@lab.test", email_verified=True)
    assert not SocialAccount.objects.filter(user=person).exists()
    # Nor does the new account get it.
    assert Registration.objects.get().person.email == ""


def test_an_address_that_has_passed_to_another_person_links_nothing(provider, settings):
    person = confirmed(make_user("ruth"), "ruth@lab.test")
    link(person, "before", settings)
    walk(provider, "after", email="ruth@lab.test", email_verified=True)
    assert Registration.objects.get().person.username == "ruth2"


def test_an_unknown_person_waits_for_an_administrator(provider):
    page = walk(
        provider, "u5", preferred_username="new one!", email="n@lab.test", email_verified=True
    )
    assert not page.wsgi_request.user.is_authenticated
    person = Registration.objects.get().person
    assert (person.username, person.email, person.is_active) == ("newone", "n@lab.test", False)
    assert not person.has_usable_password()
    assert SignInAct.objects.filter(act=Act.REGISTERED, person=person).exists()
    assert "Your account waits for an administrator." in text_of(walk(provider, "u5"))
    Registration.objects.get().approve()
    assert who(walk(provider, "u5")) == "newone"


def test_nothing_else_that_the_provider_tells_is_kept(provider):
    walk(provider, "u6", name="Somebody Else", picture="https://x.test/y")
    assert SocialAccount.objects.get().extra_data == {}


def test_a_full_waiting_list_takes_nobody(provider, monkeypatch):
    monkeypatch.setattr(newcomers, "WAITING_AT_MOST", 0)
    assert "Too many people wait already." in text_of(walk(provider, "u7"))
    assert not Registration.objects.exists()


def test_a_deactivated_person_stays_out(provider, settings):
    person = make_user("ruth", is_active=False)
    link(person, "u8", settings)
    page = walk(provider, "u8")
    assert "Your account is closed." in text_of(page)
    assert not page.wsgi_request.user.is_authenticated
    assert SignInAct.objects.filter(act=Act.PROVIDER_FAILED, person=person).count() == 1


def test_a_second_factor_of_our_own_is_asked_for_too(provider, settings):
    person = make_user("ruth")
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    link(person, "u9", settings)
    client = Client()
    page = walk(provider, "u9", client)
    assert page.redirect_chain[-1][0].startswith(reverse("mfa_authenticate"))
    assert client.get(CAGES).status_code == 302


def test_the_idle_limit_holds(provider, settings):
    link(make_user("ruth"), "u10", settings)
    client = Client()
    walk(provider, "u10", client)
    session = client.session
    session["seen"] -= settings.SESSION_IDLE_MINUTES * 60 + 1
    session.save()
    assert client.get(CAGES).status_code == 302


def test_a_wrong_state_opens_nothing(provider, settings):
    link(make_user("ruth"), "u11", settings)
    client = Client()
    query = provider.sign_in(start(client), "u11")
    page = come_back(client, {**query, "state": "made up"})
    assert FAILED in text_of(page)
    assert SignInAct.objects.filter(act=Act.PROVIDER_FAILED, name=oidc.NOTED_AS).count() == 1


def test_the_answer_to_another_browser_opens_nothing(provider, settings):
    link(make_user("ruth"), "u12", settings)
    query = provider.sign_in(start(Client()), "u12")
    assert FAILED in text_of(come_back(Client(), query))


def test_a_person_who_cancels_is_back_at_the_sign_in(client):
    state = query_of(start(client))["state"][0]
    page = come_back(client, {"error": "access_denied", "state": state})
    assert page.redirect_chain == [(LOGIN, 302)]


def test_a_wrong_client_secret_is_logged_and_opens_nothing(provider, settings, caplog):
    link(make_user("ruth"), "u13", settings)
    settings.OIDC = {**settings.OIDC, "client_secret": "wrong"}
    assert FAILED in text_of(walk(provider, "u13"))
    assert "invalid_client" in caplog.text


def test_another_issuer_than_the_one_of_the_settings_is_refused(provider, settings, client):
    # It answers there with its own configuration.
    there = f"{provider.url}/.well-known/openid-configuration"
    settings.OIDC = {**settings.OIDC, "server_url": there}
    assert FAILED in text_of(client.post(START, follow=True))


def test_a_provider_that_is_away_leaves_the_password(settings, client):
    make_user("ruth")
    settings.OIDC = {**settings.OIDC, "server_url": f"http://localhost:{free_port()}"}
    assert "Institute does not answer. Sign in with your password." in text_of(
        client.post(START, follow=True)
    )
    client.post(LOGIN, {"username": "ruth", "password": PASSWORD})
    assert client.get(CAGES).status_code == 200


def test_a_provider_that_goes_away_during_the_sign_in_is_told(provider, settings, client):
    query = provider.sign_in(start(client), "u14")
    there = f"http://localhost:{free_port()}"
    # The state belongs to the provider that was asked.
    session = client.session
    for stashed in session["socialaccount_states"].values():
        stashed[2] = there
    session.save()
    settings.OIDC = {**settings.OIDC, "server_url": there}
    assert "Institute does not answer." in text_of(come_back(client, query))


def test_nothing_of_it_is_there_without_a_provider(settings, client):
    settings.OIDC = {}
    assert "Sign in with" not in text_of(client.get(LOGIN)).replace("Sign in with a passkey", "")
    assert client.post(START).status_code == client.get(BACK).status_code == 404


def test_before_the_first_account_there_is_only_the_set_up(client):
    User.objects.all().delete()
    assert client.post(START)["Location"] == client.get(BACK)["Location"] == reverse("setup")


def test_only_a_posted_form_starts_it(client):
    assert client.get(START).status_code == 405


def test_a_name_that_is_taken_gets_a_number(db):
    make_user("ruth")
    assert newcomers.free_name("Ruth") == "Ruth2"
    assert newcomers.free_name("!?") == "person"


@pytest.mark.parametrize("limit", [("LARGEST_ANSWER", 100), ("DEADLINE_SECONDS", 0)])
def test_an_answer_that_is_large_or_late_is_refused(provider, monkeypatch, limit):
    monkeypatch.setattr(oidc, *limit)
    with oidc.BoundedSession() as session, pytest.raises(requests.RequestException):
        session.get(f"{provider.url}/.well-known/openid-configuration")
