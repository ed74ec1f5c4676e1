"""How many animals a cage has: counted where they are recorded, else as entered."""

from datetime import date

import pytest
from django.urls import reverse

from tests.factories import at, make_animal, make_cage
from tests.pages import text_of
from tests.programs import caller_of, get

NOW = at("11:07:20")
FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cage(user):
    return make_cage("Colony", user, room="R1", rack="A", row="A", column=1, animal_count=5)


@pytest.fixture
def told(cage, user, browser):
    """told(): what the cage's page, the sheet of its rack and the API say."""

    def read():
        item = get(caller_of(user), "cages")["items"][0]
        return (
            text_of(browser.get(cage.get_absolute_url())),
            text_of(browser.get(reverse("rack-sheet", args=[cage.rack_id]))),
            (item["animal_count"], item["animals_are_recorded"]),
        )

    return read


def test_where_none_is_recorded_the_entered_number_counts(told):
    page, sheet, api = told()
    assert "Number of animals 5, as entered for the cage" in page
    assert "5 animals" in sheet
    assert api == (5, False)


def test_where_animals_are_recorded_those_of_today_count(told, cage):
    make_animal(cage, since=FEBRUARY)
    make_animal(cage, since=MARCH)
    make_animal(cage, since=FEBRUARY, until=MARCH)
    page, sheet, api = told()
    assert "Number of animals 2, recorded one by one" in page
    assert "2 animals" in sheet
    assert api == (2, True)


def test_a_cage_that_all_recorded_animals_left_is_empty(told, cage):
    make_animal(cage, since=FEBRUARY, until=MARCH)
    page, sheet, api = told()
    assert "Number of animals 0, recorded one by one" in page
    assert "0 animals" in sheet
    assert api == (0, True)


def test_the_page_of_animals_does_not_tell_the_entered_number_then(cage, browser):
    make_animal(cage, since=FEBRUARY, until=MARCH)
    page = text_of(browser.get(reverse("cage-animals", args=[cage.pk])))
    assert "No animal lives here now." in page
    assert "is said to have" not in page


def test_the_export_of_cages_keeps_the_entered_number(cage, browser):
    make_animal(cage)
    query = {"which": "all", "format": "csv"}
    file = browser.get(reverse("cage-export-cages"), query)
    assert ",5," in b"".join(file.streaming_content).decode()
