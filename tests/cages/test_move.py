"""Moving one cage: who may, where to, what is refused, and what is noted of it."""

from unittest.mock import patch

import pytest
from django.urls import reverse

from cages.models import Cage, CageEvent, EventKind, Rack
from tests.factories import at, make_cage, make_user
from tests.pages import errors_of, queries_of, text_of

NOW = at("07:02:30")
BAY = {"room": "R2", "rack": "B", "row": "B", "column": 7}
MOVE = reverse("cage-move", args=(7,))
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cage(user):
    return make_cage("Colony 4", user, id=7, room="R1", rack="A", row="A", column=1)


@pytest.fixture
def browser(client_of, user, cage):
    return client_of(user)


def test_the_form_says_where_the_cage_stands(browser):
    page = browser.get(MOVE)
    assert "It is now in R1 · rack A · A-01." in text_of(page)
    assert page.context["form"]["rack"].value() == "A"


def test_an_address_fills_the_form_in_with_a_rack_that_the_person_sees(browser, user, cage):
    rack = make_cage(owner=user, room="R2", rack="B").rack
    form = browser.get(f"{MOVE}?rack={rack.pk}&row=B&column=7").context["form"]
    assert [form[name].value() for name in BAY] == ["R2", "B", "B", "7"]
    hidden = make_cage(room="R3", rack="C").rack
    form = browser.get(f"{MOVE}?rack={hidden.pk}&row=B&column=7").context["form"]
    assert [form[name].value() for name in BAY] == ["R1", "A", "A", 1]
    cage.refresh_from_db()
    assert cage.position == "R1 · rack A · A-01"


def test_a_move_is_an_event_with_time_and_person_and_leads_to_the_rack(browser, user):
    page = browser.post(MOVE, {**BAY, "row": " b "}, follow=True)
    assert page.redirect_chain == [(f"/racks/{Rack.objects.get(name='B').pk}/", 302)]
    assert "Cage 7 · Colony 4 is now in R2 · rack B · B-07." in text_of(page)
    event = CageEvent.objects.get()
    assert (event.kind, event.at, event.person) == (EventKind.MOVED, NOW, user)
    assert (event.before, event.after) == ("R1 · rack A · A-01", "R2 · rack B · B-07")


def test_a_move_to_where_it_stands_is_no_event(browser):
    browser.post(MOVE, {"room": "R1", "rack": "A", "row": "A", "column": "1"})
    assert not CageEvent.objects.exists()


def test_a_cage_can_be_taken_out_of_its_rack(browser, cage):
    page = browser.post(MOVE, {}, follow=True)
    assert page.redirect_chain == [(cage.get_absolute_url(), 302)]
    assert "Cage 7 · Colony 4 has no position now." in text_of(page)
    page = browser.post(MOVE, {"room": "R2"}, follow=True)
    assert "Cage 7 · Colony 4 is now in R2." in text_of(page)
    assert "No position given" not in text_of(browser.get(MOVE))


@pytest.mark.parametrize("address", [MOVE, MOVE + "?rack=1&row=B&column=7"])
def test_a_bay_that_is_taken_is_refused_at_its_field(browser, address):
    make_cage(**{**BAY, "rack": "b"})
    response = browser.post(address, BAY)
    assert errors_of(response) == {"column": ["There is another cage in B-07 of this rack."]}
    assert "It is now in R1 · rack A · A-01." in text_of(response)
    assert Cage.objects.get(pk=7).position == "R1 · rack A · A-01"
    assert not CageEvent.objects.exists()


def test_a_bay_taken_since_the_form_was_checked_is_refused_at_its_field(browser):
    make_cage(**BAY)
    with patch.object(Cage, "validate_constraints"):
        response = browser.post(MOVE, BAY)
    assert errors_of(response) == {"column": ["There is another cage in B-07 of this rack."]}
    assert not CageEvent.objects.exists()


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"room": "R2", "row": "B", "column": 7}, "rack", "Enter the rack"),
        ({**BAY, "column": ""}, "column", "Enter the column too"),
        ({**BAY, "row": ""}, "row", "Enter the row too"),
        ({**BAY, "room": "\x00"}, "room", "Null characters"),
    ],
)
def test_what_is_wrong_stands_at_its_field(browser, typed, field, message):
    errors = errors_of(browser.post(MOVE, typed))
    assert list(errors) == [field]
    assert message in errors[field][0]
    assert Cage.objects.get().rack_name == "A"


def test_only_its_own_people_move_a_cage(client_of, cage, staff):
    other = client_of(make_user())
    assert [other.get(MOVE).status_code, other.post(MOVE, BAY).status_code] == [404, 404]
    assert Cage.objects.get().rack_name == "A"
    client_of(staff).post(MOVE, BAY)
    assert Cage.objects.get().rack_name == "B"
    assert CageEvent.objects.get().person == staff


def test_an_archived_cage_is_not_moved(browser, cage):
    cage.archive(NOW)
    assert [browser.get(MOVE).status_code, browser.post(MOVE, BAY).status_code] == [404, 404]
    assert Cage.objects.get().rack_name == "A"


def test_the_form_takes_as_many_queries_whatever_stands_in_the_rack(browser):
    counts = []
    for _ in range(2):
        counts.append(queries_of(browser.get, MOVE))
        for column in range(1, 31):
            place = {**BAY, "row": "C" * len(counts), "column": column}
            make_cage(id=1000 * len(counts) + column, **place)
    assert counts[0] == counts[1] <= 6
