"""Links to the wall: who makes them, what a screen sees, and what ends them."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.models import Health, Room, WallLink
from cages.models.wall_link import LINKS_AT_MOST
from tests.factories import MINUTE, at, make_cage, make_cycle, record_minute, slot
from tests.pages import errors_of, text_of

NOW = at("07:02:30")
LINKS = reverse("wall-links")
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def rooms(user):
    """A Bad cage in R2 and one in R3, of two labs."""
    make_cycle(slot("07:01"), planned=2)
    for label, room, owner in (("Colony 4", "R2", user), ("Colony 5", "R3", None)):
        cage = make_cage(label, owner, room=room, rack="B", row="A", column=1)
        record_minute(cage, slot("07:00"), Health.BAD)


def link_of(administrator, room="", name="Door"):
    """The address of a new link."""
    room = Room.objects.get(name=room) if room else None
    _link, secret = WallLink.objects.issue(administrator, name, room, NOW)
    return reverse("wall-screen", args=[secret])


def ask(address, etag=None):
    """What an open screen asks."""
    headers = {"HX-Request": "true"} | ({"If-None-Match": etag} if etag else {})
    return Client().get(address, headers=headers)


def test_an_administrator_makes_a_link_and_sees_it_once(client_of, administrator, rooms):
    browser, room = client_of(administrator), Room.objects.get(name="R2")
    page = browser.post(LINKS, {"name": "Door of R2", "room": room.pk})
    (address,) = re.findall(r"http://testserver(/screen/nc_[\w-]{43}/)", page.content.decode())
    assert page["Cache-Control"].startswith("max-age=0")
    screen = Client().get(address)
    assert "Colony 4" in text_of(screen)
    listed = browser.get(LINKS)
    assert "Door of R2 R2 nc_" in text_of(listed)
    assert address not in listed.content.decode()
    stored = WallLink.objects.get()
    assert address.split("/")[2] not in str(vars(stored))
    assert stored.last_used_at == NOW


def test_a_screen_shows_its_room_of_every_lab_and_no_people(administrator, user, rooms):
    page = Client().get(link_of(administrator, "R2"))
    words = text_of(page)
    assert "Colony 4 rack B · A-01 Bad for at least 1 min read 2 min ago" in words
    assert "Colony 5" not in words
    assert user.username not in page.content.decode()
    assert "Exit wall view" not in words
    assert page["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in page


def test_a_link_to_all_rooms_says_where_each_cage_stands(administrator, rooms):
    words = text_of(Client().get(link_of(administrator)))
    assert "All rooms 2 cages" in words
    assert "Colony 5 R3 · rack B · A-01" in words


def test_a_screen_keeps_itself_up_to_date_without_a_session(administrator, rooms):
    address = link_of(administrator, "R2")
    page = ask(address)
    assert b"js/live." in page.content
    with CaptureQueriesContext(connection) as queries:
        assert ask(address, page["ETag"]).status_code == 304
    assert not [query for query in queries if "session" in query["sql"]]


def test_a_revoked_link_ends_and_an_open_screen_loads_anew(client_of, administrator, rooms):
    address = link_of(administrator, "R2")
    browser = client_of(administrator)
    browser.post(reverse("wall-link-revoke"), {"link": WallLink.objects.get().pk})
    assert "There are no links." in text_of(browser.get(LINKS))
    answer = ask(address)
    assert (answer.status_code, answer["HX-Refresh"]) == (404, "true")
    assert "This link does not work" in text_of(answer)
    assert browser.post(reverse("wall-link-revoke"), {"link": 999}).status_code == 404


@pytest.mark.parametrize("secret", ["x", "nc_", "nc_" + "a" * 43, "%00", "a" * 500])
def test_an_unknown_link_shows_nothing(db, secret):
    assert Client().get(f"/screen/{secret}/").status_code == 404


def test_a_link_has_so_many_requests_a_minute(administrator, rooms, monkeypatch, clock):
    cache.clear()
    monkeypatch.setattr("cages.views.places.wall.SCREEN_REQUESTS_A_MINUTE", 2)
    address, other = link_of(administrator, "R2"), link_of(administrator, "R3", "Other")
    assert [Client().get(address).status_code for _ in range(3)] == [200, 200, 429]
    assert Client().get(address)["Retry-After"] == "30"
    assert Client().get(other).status_code == 200
    clock(NOW + MINUTE / 2)
    assert [Client().get(address).status_code for _ in range(2)] == [200, 429]


def test_the_url_may_name_a_theme(administrator, rooms):
    address = link_of(administrator)
    assert b'data-theme="night"' in Client().get(f"{address}?theme=night").content
    assert b'data-theme="auto"' in Client().get(f"{address}?theme=pink").content


def test_two_links_never_have_one_name_and_there_is_a_limit(client_of, administrator, rooms):
    link_of(administrator)
    browser = client_of(administrator)
    (error,) = errors_of(browser.post(LINKS, {"name": "door"}))["name"]
    assert error == "There is a link with this name already."
    for number in range(LINKS_AT_MOST - 1):
        WallLink.objects.issue(administrator, f"Door {number}", None, NOW)
    (error,) = errors_of(browser.post(LINKS, {"name": "One more"}))["name"]
    assert error == "There are 50 links, which is the maximum. Revoke one first."


def test_only_rooms_in_which_cages_stand_can_be_chosen(client_of, administrator, rooms):
    Room.objects.create(name="Empty", key="empty")
    choices = client_of(administrator).get(LINKS).context["form"].fields["room"].choices
    assert [text for _value, text in choices] == ["all rooms", "R2", "R3"]
