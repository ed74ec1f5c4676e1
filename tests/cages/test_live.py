"""Open pages that ask for themselves again: what an unchanged one costs, and what a change is."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.models import Cage, Health, PollCycle
from tests.factories import MINUTE, at, make_cage, make_cycle, record_minute, slot

NOW = at("07:02:30")
LIST = reverse("cage-list")


@pytest.fixture
def browser(client_of, user, clock):
    make_cycle(slot("07:01"), planned=1)
    make_cage("Colony 4", owner=user, id=7)
    return client_of(user)


def ask(browser, address=LIST, etag=None):
    """What live.js asks."""
    headers = {"HX-Request": "true"} | ({"If-None-Match": etag} if etag else {})
    return browser.get(address, headers=headers)


@pytest.mark.parametrize("address", [LIST, "/cages/7/", "/cages/?q=Colony"])
def test_an_unchanged_page_costs_one_query_beside_session_and_person(browser, address):
    first = ask(browser, address)
    with CaptureQueriesContext(connection) as queries:
        second = ask(browser, address, first["ETag"])
    assert (first.status_code, second.status_code) == (200, 304)
    assert second.content == b""
    asked = [query["sql"] for query in queries]
    assert len([sql for sql in asked if "session" not in sql and "people_user" not in sql]) == 1


def changes(user):
    yield "a reading", lambda: record_minute(Cage.objects.get(), slot("07:01"), Health.BAD)
    yield "a new cycle", lambda: make_cycle(slot("07:02"), planned=1, finished=False)
    yield "a finished cycle", lambda: PollCycle.objects.update(finished_at=NOW)
    yield "a pause", lambda: Cage.objects.all().pause(NOW + timedelta(seconds=1), user)
    yield "a new cage", lambda: make_cage(owner=user)
    yield "a new name", lambda: Cage.objects.get().save()


@pytest.mark.parametrize("number", range(6))
def test_whatever_changes_makes_another_page(browser, user, clock, number):
    _name, change = list(changes(user))[number]
    if number == 0:
        PollCycle.objects.update(finished_at=None, answered=0)
    etag = ask(browser)["ETag"]
    clock(NOW + timedelta(seconds=1))
    change()
    answer = ask(browser, etag=etag)
    assert answer.status_code == 200
    assert answer["ETag"] != etag


def test_a_new_minute_makes_another_page_as_ages_are_in_words(browser, clock):
    etag = ask(browser)["ETag"]
    clock(NOW + MINUTE)
    assert ask(browser, etag=etag).status_code == 200


def test_two_people_languages_themes_and_addresses_never_share_an_etag(browser, client_of, staff):
    other = client_of(staff)
    etags = [ask(browser)["ETag"], ask(other)["ETag"], ask(browser, LIST + "?q=C")["ETag"]]
    browser.cookies["theme"] = "night"
    etags.append(ask(browser)["ETag"])
    assert len(set(etags)) == 4


def test_a_page_opened_by_hand_is_always_whole(browser):
    etag = ask(browser)["ETag"]
    assert browser.get(LIST, headers={"If-None-Match": etag}).status_code == 200


def test_no_cache_keeps_a_live_page(browser):
    answer = browser.get(LIST)
    assert answer["Cache-Control"] == "private, no-store"
    assert ask(browser, etag=ask(browser)["ETag"])["Cache-Control"] == "private, no-store"
    assert "HX-Request" in answer["Vary"]
    assert "Cookie" in answer["Vary"]


def test_the_page_in_the_background_leaves_messages_for_the_one_to_be_read(browser):
    browser.post("/cages/7/archive/", {"reason": "gone"})
    assert "is archived" not in ask(browser).content.decode()
    assert "is archived" in browser.get(LIST).content.decode()


def test_the_title_says_how_many_cages_are_in_trouble(browser, user):
    record_minute(Cage.objects.get(), slot("07:02"), Health.BAD)
    title = browser.get(LIST).content.decode().partition("<title>")[2].partition("</title>")[0]
    assert " ".join(title.split()) == "(1) Cages · Neurocage"
    record_minute(Cage.objects.get(), slot("07:03"), Health.OK)
    title = browser.get(LIST).content.decode().partition("<title>")[2].partition("</title>")[0]
    assert " ".join(title.split()) == "Cages · Neurocage"


def test_other_pages_refresh_their_cycle_line_only(browser):
    page = browser.get("/cages/7/edit/").content.decode()
    assert f'hx-get="{reverse("watch")}"' in page
    line = ask(browser, reverse("watch")).content.decode()
    assert "Last full cycle" in line
    assert "<h1" not in line
