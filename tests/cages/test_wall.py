"""The wall: counts, trouble first, no names of people, and amber when it grows old."""

from datetime import timedelta

import pytest
from django.urls import reverse

from cages.models import Health, PollCycle, Room
from tests.factories import at, bad_for_days, make_cage, make_cycle, record_minute, slot
from tests.pages import text_of

NOW = at("07:02:30")
WALL = reverse("wall")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def browser(client_of, user):
    make_cycle(slot("07:01"), planned=1)
    return client_of(user)


def wall_of(name):
    """The address of a room's wall."""
    return f"{WALL}?room={Room.objects.get(name=name).pk}"


def content_of(response):
    """The markup between the frame's header and footer."""
    return response.content.decode().partition("<main")[2].partition("</main>")[0]


def test_without_a_room_it_asks_for_one(browser, user):
    make_cage(owner=user, room="R2", rack="B")
    make_cage(owner=user, room="R2")
    make_cage(owner=user, room="R10")
    make_cage(owner=user)
    make_cage(room="R3")
    page = browser.get(WALL)
    # Worst first: two cages of R2 are unseen.
    assert [room.name for room in page.context["rooms"]] == ["R2", "R10", ""]
    assert f'href="{wall_of("R2")}"' in page.content.decode()
    assert "No room" in text_of(page)
    assert "R3" not in content_of(page)


def test_without_cages_it_says_what_to_do(browser):
    assert "No cages yet" in text_of(browser.get(WALL))


def test_counts_and_the_troubled_cages_first(browser, user):
    place = {"room": "R2", "rack": "B", "row": "B"}
    bad = make_cage("Colony 4", user, column=7, **place)
    unseen = make_cage("Colony 1", user, column=8, **place)
    was_bad = make_cage("Colony 5", user, room="R2")
    well = make_cage("Colony 2", user, column=9, **place)
    elsewhere = make_cage("Colony 3", user, room="R3")
    make_cage("Colony 9", user, room="r2", is_polled=False)
    bad_for_days(bad)
    record_minute(was_bad, slot("06:30"), Health.BAD)
    record_minute(elsewhere, slot("07:00"), Health.BAD)
    record_minute(unseen, slot("06:30"), Health.OK)
    record_minute(well, slot("07:01"), Health.PERFECT)
    page = browser.get(wall_of("R2"))
    words = text_of(page)
    assert "R2 5 cages" in words
    assert "1 Bad 2 Unseen (1 of them last known Bad) 1 Perfect 1 Paused" in words
    assert [cage.label for cage in page.context["troubled"]] == ["Colony 4", "Colony 5", "Colony 1"]
    assert "Colony 4 rack B · B-07 Bad for 3 d read 1 min ago" in words
    assert "Colony 1 rack B · B-08 Unseen last known Ok, read 32 min ago" in words
    assert page.context["trouble_count"] == 3
    assert f'id="cage-{bad.pk}"' in page.content.decode()


def test_no_person_is_named(client_of, browser, user, staff):
    cage = make_cage(owner=user, room="R2")
    record_minute(cage, slot("07:00"), Health.BAD)
    page = client_of(staff).get(wall_of("R2")).content.decode()
    assert cage.label in page
    assert user.username not in page
    assert staff.username not in page


def test_a_room_without_trouble_says_so(browser, user):
    record_minute(make_cage(owner=user, room="R2"), slot("07:01"), Health.OK)
    assert "No cage is Bad or unseen." in text_of(browser.get(wall_of("R2")))


def test_a_room_without_ones_own_cages_says_so_and_not_what_it_is_called(browser, user):
    make_cage(room="R9")
    for address in (wall_of("R9"), f"{WALL}?room=R9", f"{WALL}?room=999", f"{WALL}?room=%00"):
        page = browser.get(address)
        assert "No cages in this room" in text_of(page)
        assert "R9" not in content_of(page)


def test_cages_without_a_room_have_a_wall_too(browser, user):
    make_cage("Nowhere", user)
    make_cage("Elsewhere", user, room="R2")
    page = text_of(browser.get(WALL + "?room="))
    assert "No room 1 cage" in page
    assert "Elsewhere" not in page


def test_more_trouble_than_a_wall_holds_is_counted(browser, user):
    for _ in range(15):
        make_cage(owner=user, room="R2")
    page = browser.get(wall_of("R2"))
    assert len(page.context["troubled"]) == 12
    assert "Bad or unseen: the first 12 of 15" in text_of(page)


def test_it_is_amber_as_soon_as_nobody_watches(browser, user):
    make_cage(owner=user, room="R2")
    fresh = content_of(browser.get(wall_of("R2")))
    assert ("is-stale" in fresh, "Not up to date" in fresh) == (False, False)
    PollCycle.objects.update(finished_at=NOW - timedelta(minutes=3))
    stale = content_of(browser.get(wall_of("R2")))
    assert ("is-stale" in stale, "Not up to date" in stale) == (True, True)


def test_it_keeps_itself_up_to_date(browser, user):
    make_cage(owner=user, room="R2")
    first = browser.get(wall_of("R2"), headers={"HX-Request": "true"})
    headers = {"HX-Request": "true", "If-None-Match": first["ETag"]}
    assert browser.get(wall_of("R2"), headers=headers).status_code == 304


def test_all_rooms_have_one_wall_that_says_where_each_cage_stands(browser, user):
    for room in ("R2", "R3"):
        make_cage(owner=user, room=room, rack="B", row="A", column=1)
    page = text_of(browser.get(f"{WALL}?room=all"))
    assert "All rooms 2 cages" in page
    assert "R3 · rack B · A-01 Unseen no reading yet" in page
