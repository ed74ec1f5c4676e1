"""What every request passes through: sizes, shares, forms sent twice, headers, hosts."""

import uuid

import pytest
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from cages.models import Cage, WallLink
from cages.views.cages.importing import ImportView
from neurocage.limits import (
    ANONYMOUS_FORMS,
    ANONYMOUS_RUNNING,
    API_REQUESTS,
    FORMS,
    LONG_PAGES,
    REQUESTS,
    RUNNING,
)
from neurocage.middleware.bodies import LARGEST_BODY
from people.models import ApiToken
from tests.factories import make_cage, make_user
from tests.pages import text_of

LIST, NEW, IMPORT = (reverse(f"cage-{name}") for name in ("list", "create", "import"))


@pytest.fixture
def other(client_of):
    return client_of(make_user())


@pytest.fixture
def full():
    """Return a function that takes all places of a person, until the end of the test."""
    taken = []

    def fill(limit, who):
        taken.extend(limit.take(who) for _ in range(limit.each))
        assert all(taken)

    yield fill
    for place in taken:
        place.release()


def test_a_person_with_too_many_requests_is_asked_to_wait_and_nobody_else(
    browser, other, user, full
):
    full(REQUESTS, user.pk)
    response = browser.get(LIST)
    assert response.status_code == 429
    assert response["Retry-After"] == "5"
    assert b'http-equiv="refresh" content="5"' in response.content
    assert other.get(LIST).status_code == 200
    assert browser.get("/healthz").status_code == 200


def test_a_form_that_had_to_wait_is_not_sent_again_by_itself(browser, user, full):
    full(REQUESTS, user.pk)
    response = browser.post(NEW, {"label": "Colony"})
    assert response.status_code == 429
    assert b"http-equiv" not in response.content
    assert "Nothing was saved." in text_of(response)


def test_one_address_leaves_places_for_the_forms_of_another(db, client, browser, full):
    sign_in = {"username": "x", "password": "y"}
    full(ANONYMOUS_FORMS, "127.0.0.1")
    assert client.post(reverse("login"), sign_in).status_code == 429
    assert client.get(reverse("login")).status_code == 200
    assert browser.get(LIST).status_code == 200
    assert client.post(reverse("login"), sign_in, REMOTE_ADDR="127.0.0.2").status_code == 200


def test_what_is_admitted_waits_until_others_are_done(
    client, browser, other, user, full, monkeypatch
):
    monkeypatch.setattr("neurocage.middleware.shares.RUN_WITHIN_SECONDS", 0)
    monkeypatch.setattr("neurocage.middleware.shares.ANONYMOUS_RUN_WITHIN_SECONDS", 0)
    full(RUNNING, user.pk)
    assert browser.get(LIST).status_code == 429
    assert other.get(LIST).status_code == 200
    sign_in = {"username": "x", "password": "y"}
    assert client.post(reverse("login"), sign_in).status_code == 200
    full(ANONYMOUS_RUNNING, "nobody")
    assert client.post(reverse("login"), sign_in).status_code == 429
    assert other.get(LIST).status_code == 200


def test_programs_of_one_person_have_their_own_places(client, user, full):
    _token, secret = ApiToken.objects.issue(user, "script", user.date_joined)
    headers = {"Authorization": f"Bearer {secret}"}
    full(REQUESTS, user.pk)
    for _ in range(API_REQUESTS.each + 1):
        assert client.get("/api/v1/cages", headers=headers).status_code == 200
    full(API_REQUESTS, user.pk)
    response = client.get("/api/v1/cages", headers=headers)
    assert response.status_code == 429
    assert "at the same time" in response.json()["detail"]
    assert response["Retry-After"] == "1"


def test_long_pages_of_one_person_come_one_after_the_other(browser, user, other, full, monkeypatch):
    monkeypatch.setattr("cages.views.site.long_pages.WAIT_SECONDS", 0)
    cage = make_cage(owner=user)
    history, compare = reverse("cage-history", args=[cage.pk]), reverse("cage-compare")
    full(LONG_PAGES, user.pk)
    for address, query, status in (
        (history, {"span": "30d"}, 429),
        (history, {"span": "7d"}, 200),
        (compare, {"cage": cage.pk, "span": "30d"}, 429),
        (compare, {"cage": cage.pk}, 200),
        (reverse("cage-cards"), {"cage": cage.pk}, 429),
        (IMPORT, {}, 200),
    ):
        assert browser.get(address, query).status_code == status
    assert browser.post(IMPORT, {"packed": ""}).status_code == 429
    assert other.post(IMPORT, {"packed": ""}).status_code == 200


def test_a_large_form_is_refused_unread(browser):
    response = browser.post(NEW, {"notes": "x" * LARGEST_BODY})
    assert response.status_code == 413
    assert "At most 128 KB are accepted here." in text_of(response)


def test_the_longest_notes_are_a_small_form(browser):
    notes = "\N{MOUSE FACE}" * 5000
    assert browser.post(NEW, {"label": "Colony", "notes": notes}).status_code == 302
    assert Cage.objects.get().notes == notes


def test_only_people_who_are_signed_in_may_send_files(browser, client):
    def sent(sender, size):
        file = SimpleUploadedFile("cages.csv", b"label\n" + b"x" * size)
        return sender.post(IMPORT, {"file": file}).status_code

    assert sent(browser, 1024 * 1024) == 200
    assert sent(browser, ImportView.largest_body) == 413
    assert sent(client, LARGEST_BODY) == 413
    assert sent(client, 1024) == 302


def form(**fields):
    return {"csrfmiddlewaretoken": uuid.uuid4().hex, "is_polled": "on", **fields}


def test_a_form_sent_twice_is_answered_with_the_first_result(browser):
    sent = form(label="Colony", save="Create cage")
    first, second = (browser.post(NEW, sent) for _ in range(2))
    cage = Cage.objects.get()
    assert first.url == second.url == cage.get_absolute_url()
    told = [str(message) for message in get_messages(second.wsgi_request)]
    assert told[-1].startswith("The cage was created.")


def test_another_content_is_another_form(browser):
    sent = form(label="Colony")
    assert browser.post(NEW, sent).status_code == 302
    assert browser.post(NEW, {**sent, "label": "Colony 2"}).status_code == 302
    assert Cage.objects.count() == 2


def test_a_form_with_mistakes_is_checked_again(browser):
    sent = form(label="Colony")
    cage = make_cage("Colony", owner=browser.get(NEW).wsgi_request.user)
    assert "has this label already" in text_of(browser.post(NEW, sent))
    cage.archive(cage.created_at)
    assert browser.post(NEW, sent).status_code == 302


def test_the_form_of_another_person_is_another_form(browser, other):
    sent = form(label="Colony")
    assert browser.post(NEW, sent).url != other.post(NEW, sent).url
    assert Cage.objects.count() == 2


def test_the_second_form_waits_for_the_first(browser, user, full, monkeypatch):
    monkeypatch.setattr("neurocage.middleware.sent_once.WAIT_SECONDS", 0)
    for stripe in range(16):
        full(FORMS, f"{user.pk}-{stripe}")
    assert browser.post(NEW, form(label="Colony")).status_code == 429
    assert not Cage.objects.exists()


def test_what_others_wrote_into_redis_leads_nowhere(browser, user, monkeypatch):
    monkeypatch.setattr(cache, "get", lambda key: '["https://evil.test/", []]')
    response = browser.post(NEW, form(label="Colony"))
    assert response.url == Cage.objects.get().get_absolute_url()


def test_without_redis_the_database_refuses_the_second_cage(browser, settings):
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    }
    sent = form(label="Colony")
    assert browser.post(NEW, sent).status_code == 302
    assert browser.post(NEW, sent).status_code == 200
    assert Cage.objects.count() == 1


def test_a_token_made_twice_by_one_form_is_shown_twice(browser):
    sent = form(name="script")
    first, second = (browser.post(reverse("tokens"), sent).context["secret"] for _ in range(2))
    assert first == second
    token = ApiToken.objects.get()
    ApiToken.objects.revoke(token.created_at)
    third = browser.post(reverse("tokens"), sent).context["secret"]
    assert third != first
    assert ApiToken.objects.of_secret(third, token.created_at)
    assert not ApiToken.objects.of_secret(first, token.created_at)


def test_a_link_made_twice_by_one_form_is_shown_twice(client_of, administrator):
    browser, sent = client_of(administrator), form(name="Door")
    first, second = (browser.post(reverse("wall-links"), sent).context["address"] for _ in range(2))
    assert first == second
    assert WallLink.objects.count() == 1


def test_the_same_name_in_another_form_is_refused(browser):
    assert browser.post(reverse("tokens"), form(name="script")).context["secret"]
    response = browser.post(reverse("tokens"), form(name="script"))
    assert "You already have a token with this name." in text_of(response)


def test_no_page_may_use_the_camera_or_the_position(db, client):
    policy = client.get(reverse("login"))["Permissions-Policy"]
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(policy.split(", "))


def test_an_unknown_host_name_is_refused_in_the_language_of_the_address():
    client = Client(headers={"host": "elsewhere.test"})
    answer = client.get("/api/v1/cages")
    assert answer.status_code == 400
    assert "host name" in answer.json()["detail"]
    page = client.get("/cages/")
    assert page.status_code == 400
    assert "its host name is not one of this server" in text_of(page)
