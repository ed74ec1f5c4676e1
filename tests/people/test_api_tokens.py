"""Tokens: made, shown once, kept as a hash, revoked."""

import hashlib
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.api import tokens
from people.models import ApiToken, Lab, Role, Scope
from people.models.token import LIVE_AT_MOST
from tests.factories import PASSWORD, at, make_cage, make_member, make_user
from tests.pages import errors_of, queries_of, text_of

NOW = at("07:10:30")
TOKENS, REVOKE = reverse("tokens"), reverse("token-revoke")
CAGES = reverse("api:cages")
PEOPLES = reverse("peoples-tokens")
SCOPE, EXPIRES = "Everything that you can see", "2027-03-02 07:10"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted():
    """Other tests sent requests in the same minute of their clock."""
    cache.clear()


def works(secret):
    headers = {"Authorization": f"Bearer {secret}"}
    status = Client().get(CAGES, headers=headers).status_code
    assert status in (200, 401)
    return status == 200


def secret_in(response):
    return re.search(r'<code class="secret">([^<]+)</code>', response.content.decode())[1]


# The page


def test_a_token_is_shown_once_and_works(clock, client_of, user):
    browser = client_of(user)
    assert "You have no tokens." in text_of(browser.get(TOKENS))
    response = browser.post(TOKENS, {"name": " notebook "})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert "The token “notebook” was created." in text_of(response)
    secret = secret_in(response)
    assert re.fullmatch(r"nc_[\w-]{43}", secret)
    assert works(secret)
    page = browser.get(TOKENS)
    assert secret not in page.content.decode()
    row = (
        f"notebook {secret[:9]} 2026-03-02 07:10 2026-03-02 07:10 {SCOPE} {EXPIRES} Revoke notebook"
    )
    assert row in text_of(page)
    assert "no-store" in page["Cache-Control"]


def test_only_a_hash_of_a_token_is_kept(client_of, user):
    secret = secret_in(client_of(user).post(TOKENS, {"name": "notebook"}))
    token = ApiToken.objects.get()
    assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert token.person == user
    rows = [
        str(row)
        for model in apps.get_models()
        if model._meta.managed
        for row in model.objects.values_list()
    ]
    assert secret[:9] in "".join(rows)
    assert secret[:12] not in "".join(rows)


def test_no_two_tokens_are_the_same(user):
    secrets = {ApiToken.objects.issue(user, f"{number}", NOW)[1] for number in range(LIVE_AT_MOST)}
    assert len(secrets) == LIVE_AT_MOST


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "This field is required."),
        ("  ", "This field is required."),
        ("x" * 101, "Ensure this value has at most 100 characters (it has 101)."),
        ("taken", "You already have a token with this name."),
        ("TAKEN", "You already have a token with this name."),
        ("a\x00b", "Null characters are not allowed."),
    ],
)
def test_a_name_that_cannot_be_is_refused(client_of, user, name, error):
    ApiToken.objects.issue(user, "taken", NOW)
    assert errors_of(client_of(user).post(TOKENS, {"name": name})) == {"name": [error]}
    assert ApiToken.objects.count() == 1


def test_a_person_has_so_many_tokens_and_no_more(client_of, user):
    for number in range(LIVE_AT_MOST):
        ApiToken.objects.issue(user, f"token {number}", NOW)
    browser = client_of(user)
    said = "You have 20 tokens, which is the maximum. Revoke one first."
    assert errors_of(browser.post(TOKENS, {"name": "one more"})) == {"name": [said]}
    browser.post(REVOKE, {"token": ApiToken.objects.first().pk})
    secret_in(browser.post(TOKENS, {"name": "one more"}))
    # Somebody else's are not counted.
    ApiToken.objects.issue(make_user(), "token 1", NOW)


def test_a_revoked_token_is_useless_and_its_name_is_free(clock, client_of, user):
    browser = client_of(user)
    secret = secret_in(browser.post(TOKENS, {"name": "notebook"}))
    token = ApiToken.objects.get()
    assert works(secret)
    for _ in range(2):
        response = browser.post(REVOKE, {"token": token.pk}, follow=True)
        assert "You have no tokens." in text_of(response)
    assert ApiToken.objects.get().revoked_at == NOW
    assert not works(secret)
    again = secret_in(browser.post(TOKENS, {"name": "notebook"}))
    assert (works(again), works(secret)) == (True, False)


@pytest.mark.parametrize("number", [None, "", "x", "0", "9" * 5000])
def test_revoking_no_token_is_not_found(client_of, user, number):
    _token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    given = {} if number is None else {"token": number}
    assert client_of(user).post(REVOKE, given).status_code == 404
    assert works(secret)


def test_nobody_sees_or_revokes_somebody_elses_token(client_of, user, staff):
    token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    make_member(staff, user.own_lab, Role.RESEARCHER)
    browser = client_of(staff)
    assert "notebook" not in text_of(browser.get(TOKENS))
    assert browser.get(PEOPLES).status_code == 403
    assert browser.post(REVOKE, {"token": token.pk}).status_code == 404
    assert works(secret)


@pytest.mark.parametrize("of", ["the facility", "a lab"])
def test_an_administrator_sees_and_revokes_the_tokens_of_their_people(
    clock, client_of, user, administrator, of
):
    head = administrator if of == "the facility" else make_user("head")
    if head != administrator:
        make_member(head, user.own_lab, Role.ADMINISTRATOR)
        # Whose tokens read every lab.
        make_member(administrator, user.own_lab, Role.VIEWER)
    make_member(make_user("stranger"), make_user().own_lab, Role.VIEWER)
    token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    above, _secret = ApiToken.objects.issue(administrator, "every lab", NOW)
    browser = client_of(head)
    page = text_of(browser.get(PEOPLES))
    assert f"ruth notebook {secret[:9]} 2026-03-02 07:10 never" in page
    assert "every lab" not in page
    browser.post(REVOKE, {"token": token.pk})
    assert not works(secret)
    if head != administrator:
        assert browser.post(REVOKE, {"token": above.pk}).status_code == 404


@pytest.mark.parametrize("elsewhere", ["a cage of their own", "a role in another lab"])
def test_adding_somebody_to_a_lab_gives_nothing_over_their_tokens(client_of, user, elsewhere):
    head, lab = make_user("head"), Lab.objects.create(name="Lab A")
    make_member(head, lab, Role.ADMINISTRATOR)
    browser = client_of(head)
    browser.post(
        reverse("lab", args=[lab.pk]), {"act": "invite", "username": "ruth", "role": "viewer"}
    )
    token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    assert "notebook" in text_of(browser.get(PEOPLES))
    if elsewhere == "a cage of their own":
        make_cage(owner=user, archived_at=NOW)
    else:
        make_member(user, Lab.objects.create(name="Lab B"), Role.VIEWER)
    assert "notebook" not in text_of(browser.get(PEOPLES))
    assert browser.post(REVOKE, {"token": token.pk}).status_code == 404
    assert works(secret)


def test_a_page_of_peoples_tokens_takes_the_same_queries_for_one_as_for_many(
    client_of, administrator
):
    browser, counts = client_of(administrator), []
    for number in (1, 10):
        for _ in range(number):
            ApiToken.objects.issue(make_user(), "notebook", NOW)
        counts.append(queries_of(browser.get, PEOPLES))
    assert counts[0] == counts[1] <= 6


def test_a_page_of_tokens_takes_the_same_queries_for_one_as_for_many(client_of, user):
    browser, counts = client_of(user), []
    for number in range(2):
        for further in range(1 + 9 * number):
            ApiToken.objects.issue(user, f"{number} {further}", NOW)
        counts.append(queries_of(browser.get, TOKENS))
    assert counts[0] == counts[1] <= 6


def test_everybody_finds_the_tokens_in_their_menu(client_of, user):
    assert f'href="{TOKENS}"' in client_of(user).get(reverse("cage-list")).content.decode()


# Scope, expiry, and a changed password


OF_CAGES = {"cages", "cage", "states", "animals", "concerns", "marks"}
OF_MINUTES = {"minutes", "readings", "requests", "hourly"}


@pytest.mark.parametrize(
    ("scope", "opened"),
    [
        (Scope.ALL, {*OF_CAGES, *OF_MINUTES, "notices"}),
        (Scope.CAGES, OF_CAGES),
        (Scope.MINUTES, OF_MINUTES),
    ],
)
def test_a_token_opens_what_belongs_to_its_scope(clock, client_of, user, scope, opened):
    make_cage(owner=user, id=7)
    browser = client_of(user)
    secret = secret_in(browser.post(TOKENS, {"name": "notebook", "scope": scope}))
    paths = browser.get(reverse("api:openapi")).json()["paths"]
    query, got = {"cage": 7, "from": "2026-03-01", "to": "2026-03-02"}, {}
    for path, methods in paths.items():
        headers = {"Authorization": f"Bearer {secret}"}
        answer = Client().get(path.replace("{cage_id}", "7"), query, headers=headers)
        got[methods["get"]["operationId"]] = answer.status_code
    assert got == {name: 200 if name in opened else 403 for name in got}
    assert opened <= set(got)


def test_what_the_scope_does_not_open_costs_units_as_well(clock, client_of, user, monkeypatch):
    monkeypatch.setattr(tokens, "UNITS", 2)
    sent = {"name": "notebook", "scope": Scope.MINUTES}
    headers = {"Authorization": f"Bearer {secret_in(client_of(user).post(TOKENS, sent))}"}
    got = [Client().get(reverse("api:cages"), headers=headers).status_code for _ in range(3)]
    assert got == [403, 403, 429]


@pytest.mark.parametrize(
    ("lifetime", "days"), [(30, 30), (90, 90), (365, 365), ("", 365), ("never", None)]
)
def test_a_token_expires_when_the_person_chose(clock, client_of, user, lifetime, days):
    browser = client_of(user)
    sent = {"name": "notebook", **({"lifetime": lifetime} if lifetime else {})}
    secret = secret_in(browser.post(TOKENS, sent))
    expires_at = ApiToken.objects.get().expires_at
    assert expires_at == (NOW + timedelta(days=days) if days else None)
    clock(NOW + timedelta(days=days or 3650) - timedelta(seconds=1))
    assert works(secret)
    clock(NOW + timedelta(days=days or 7300))
    assert works(secret) == (days is None)
    if days:
        browser = client_of(user)
        assert "expired" in text_of(browser.get(TOKENS))
        # Its name is free.
        assert works(secret_in(browser.post(TOKENS, {"name": "notebook"})))


def test_a_lifetime_that_cannot_be_chosen_is_refused(client_of, user):
    answer = client_of(user).post(TOKENS, {"name": "notebook", "lifetime": "4000"})
    assert list(errors_of(answer)) == ["lifetime"]


def test_a_changed_password_ends_the_tokens_of_its_person(user, staff):
    secrets = [ApiToken.objects.issue(person, "notebook", NOW)[1] for person in (user, staff)]
    user.first_name = "Ruth"
    user.save()
    assert works(secrets[0])
    user.set_password("another-password-42")
    user.save()
    assert [works(secret) for secret in secrets] == [False, True]


def test_a_password_that_is_only_kept_in_a_newer_way_ends_no_token(user, settings):
    _token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    before = user.password
    assert user.check_password(PASSWORD)
    assert get_user_model().objects.get(pk=user.pk).password != before
    assert works(secret)


# What opens the API


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nc_",
        "Bearer nc_unknown",
        "Bearer x" + "y" * 9000,
        "Bearer n\u00e4h",
        "Basic cnV0aDpzZWNyZXQ=",
        "Token SECRET",
        "SECRET",
        "Bearer SECRETx",
        "Bearer  SECRET",
    ],
)
def test_nothing_but_a_token_opens_the_api(client_of, user, authorization):
    _token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    headers = {}
    if authorization is not None:
        headers["Authorization"] = authorization.replace("SECRET", secret)
    for client in (Client(), client_of(user)):
        response = client.get(CAGES, headers=headers)
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == "Bearer"
        assert response["Content-Type"] == "application/json"
        assert list(response.json()) == ["detail"]


def test_who_sends_no_token_is_told_how():
    said = Client().get(CAGES).json()["detail"]
    assert said == (
        "Send a token as 'Authorization: Bearer nc_...'. Create one on the page /tokens/."
    )


def test_the_token_of_a_person_switched_off_opens_nothing(user):
    _token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    for is_active in (False, True):
        get_user_model().objects.update(is_active=is_active)
        assert works(secret) == is_active


def test_the_tokens_of_a_person_go_with_the_account(user):
    _token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    user.delete()
    assert not works(secret)


def test_a_hash_is_not_a_token(user):
    token, _secret = ApiToken.objects.issue(user, "notebook", NOW)
    assert not works(token.digest)


def test_the_last_use_is_written_at_most_once_a_minute(clock, user):
    token, secret = ApiToken.objects.issue(user, "notebook", NOW)
    seen = []
    for seconds in (0, 30, 59, 60, 100, 120):
        clock(NOW + timedelta(seconds=seconds))
        with CaptureQueriesContext(connection) as queries:
            assert works(secret)
        writes = sum("UPDATE" in query["sql"] for query in queries)
        token.refresh_from_db()
        seen.append((writes, (token.last_used_at - NOW).total_seconds()))
    assert seen == [(1, 0), (0, 0), (0, 0), (1, 60), (0, 60), (1, 120)]


def test_two_requests_at_once_write_the_use_once(user):
    token, _secret = ApiToken.objects.issue(user, "notebook", NOW)
    other = ApiToken.objects.get(pk=token.pk)
    token.note_use(NOW)
    other.note_use(NOW + timedelta(seconds=1))
    assert ApiToken.objects.get().last_used_at == NOW
    # A clock that was ahead noted the last use.
    ApiToken.objects.update(last_used_at=NOW + timedelta(days=7))
    ApiToken.objects.get().note_use(NOW)
    assert ApiToken.objects.get().last_used_at == NOW
