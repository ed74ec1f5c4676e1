"""The overview of rooms and racks: worst first, with maps, and bounded."""

from datetime import timedelta

import pytest
from django.urls import reverse

from cages.models import Condition, Health, Rack, Rank
from cages.places.maps import map_of
from cages.places.overview import rooms_of
from tests.factories import at, bad_for_days, make_cage, record_minute, slot
from tests.pages import queries_of, text_of

NOW = at("07:02:30")
INDEX = reverse("rack-index")
pytestmark = pytest.mark.usefixtures("clock")


def stand(owner, room, rack, status=None, count=1):
    """Make cages in a rack; those without a status are unseen. Returns the last one."""
    for _ in range(count):
        cage = make_cage(owner=owner, room=room, rack=rack)
        if status:
            record_minute(cage, slot("07:01"), status)
    return cage


def test_rooms_and_racks_with_the_most_bad_cages_are_first_then_those_with_unseen_ones(
    browser, user
):
    stand(user, "R1", "A", Health.OK)
    stand(user, "R2", "A", count=3)
    stand(user, "R3", "A", Health.PERFECT)
    stand(user, "R3", "B", Health.BAD)
    stand(user, "R3", "C", Health.BAD, count=2)
    rooms = browser.get(INDEX).context["rooms"]
    assert [room.name for room, _racks in rooms] == ["R3", "R2", "R1"]
    assert [rack.name for rack, _map in rooms[0][1]] == ["C", "B", "A"]


def test_a_rack_says_for_how_long_its_first_cage_has_been_bad(browser, user):
    bad_for_days(stand(user, "R2", "B"))
    stand(user, "R2", "B", Health.BAD)
    words = text_of(browser.get(INDEX))
    assert "Rack B 2 cages 2 Bad for 3 d" in words


def test_since_when_is_at_least_where_the_beginning_is_not_known(user):
    cage = stand(user, "R2", "B")
    bad_for_days(cage)
    type(cage.state).objects.update(is_since_known=False)
    (room,) = rooms_of(type(cage).objects.active(), NOW)
    assert not room.bad_since.is_known
    assert NOW - room.bad_since.moment > timedelta(days=3)


def test_a_map_draws_each_bay_and_joins_those_side_by_side():
    ranks = {("A", 1): Rank.BAD, ("A", 2): Rank.BAD, ("B", 2): Rank.BAD, ("C", 3): Rank.UNSEEN_BAD}
    drawn = map_of(Rack(row_count=4, column_count=5), {**ranks, ("7", 1): Rank.OK})
    assert (drawn.columns, drawn.rows) == (5, 5)
    assert drawn.paths == [
        (Condition.BAD, "M0 0.5h2M1 1.5h1"),
        (Condition.UNSEEN, "M2 2.5h1"),
        (Condition.OK, "M0 4.5h1"),
    ]


def test_only_so_many_maps_are_on_a_page_and_the_room_has_them_all(browser, user, monkeypatch):
    monkeypatch.setattr("cages.views.places.racks.MAPS_SHOWN", 4)
    for room in ("R1", "R2"):
        for number in range(5):
            make_cage(owner=user, room=room, rack=f"{number}", row="A", column=1)
    page = browser.get(INDEX)
    assert page.content.count(b'class="rack-map"') == 4
    assert "The worst 2 of 5 racks. Show all" in text_of(page)
    (room, _racks) = page.context["rooms"][0]
    shown = [browser.get(INDEX, {"room": room.id, "page": n}) for n in (1, 2)]
    assert [page.content.count(b'class="rack-map"') for page in shown] == [4, 1]


def test_a_room_has_a_page_of_its_own_and_one_of_others_is_not_found(browser, user):
    make_cage(owner=user, room="R2", rack="B")
    make_cage(owner=user)
    others = make_cage(room="R9", rack="C").room_id
    room = browser.get(INDEX).context["rooms"][0][0]
    assert "Rack B" in text_of(browser.get(INDEX, {"room": room.id}))
    assert "In no rack" in text_of(browser.get(INDEX, {"room": ""}))
    for wanted in (others, "x", "9" * 30):
        assert browser.get(INDEX, {"room": wanted}).status_code == 404


def test_the_overview_takes_as_many_queries_for_one_rack_as_for_forty(browser, user):
    make_cage(owner=user, room="R0", rack="A", row="A", column=1)
    before = queries_of(browser.get, INDEX)
    for number in range(40):
        make_cage(owner=user, room=f"R{number % 7}", rack=f"{number}", row="A", column=1)
    assert before == queries_of(browser.get, INDEX) <= 10
