"""The orders of a list: one page of it, and the cages beside one of them."""

import pytest
from django.urls import reverse

from cages.filters import ORDERS
from cages.models import Cage, Health
from tests.factories import at, make_cage, record_minute, slot

NOW = at("07:02:30")
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def cages(user):
    """Cages with and without a room, a rack, a row and a column, some of them Bad."""
    places = [
        {},
        {"room": "R2"},
        {"rack": "B"},
        {"room": "R2", "rack": "B"},
        {"room": "R2", "rack": "B", "row": "A"},
        {"room": "R2", "rack": "B", "row": "A", "column": 10},
        {"room": "R2", "rack": "B", "row": "A", "column": 9},
        {"room": "R2", "rack": "B", "row": "AA", "column": 1},
        {"room": "R10", "rack": "B", "row": "B", "column": 1},
    ]
    for number, place in enumerate(places):
        cage = make_cage(f"{'xX'[number % 2]} {number // 2}", make_cage().owner, **place)
        record_minute(cage, slot("07:00"), Health.BAD if number % 3 else Health.OK)


@pytest.mark.usefixtures("cages")
@pytest.mark.parametrize("order", ORDERS)
def test_the_cages_beside_one_are_those_of_the_list_in_every_order(order):
    ordered = Cage.objects.in_order(order, NOW)
    listed = list(ordered)
    assert ordered.rows(0, 100) == listed
    assert ordered.rows(2, 5) == listed[2:5]
    for number, cage in enumerate(listed):
        beside = ordered.neighbours_of(cage)
        assert beside.get("previous") == (listed[number - 1] if number else None)
        assert beside.get("next") == (listed[number + 1] if cage != listed[-1] else None)


def test_a_cage_that_the_list_does_not_hold_has_none_beside_it(user):
    cage = make_cage(owner=user)
    assert Cage.objects.exclude(pk=cage.pk).in_order("label", NOW).neighbours_of(cage) == {}


@pytest.mark.usefixtures("cages")
def test_every_page_of_the_list_follows_the_one_before(client_of, staff, monkeypatch):
    monkeypatch.setattr("cages.views.cages.list.PAGE_SIZES", (4,))
    monkeypatch.setattr("cages.views.cages.list.DEFAULT_PAGE_SIZE", 4)
    browser = client_of(staff)
    query = {"order": "position"}
    pages = [browser.get(reverse("cage-list"), {**query, "page": n}) for n in range(1, 6)]
    shown = [cage for page in pages for cage in page.context["cages"]]
    assert shown == list(Cage.objects.in_order("position", NOW))
