"""Animals for programs: GET /api/v1/animals."""

from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import programs
from tests.factories import at, make_animal, make_cage
from tests.pages import queries_of
from tests.programs import caller_of, refusal

NOW = programs.NOW
ADDRESS = "/api/v1/animals"
FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cage(user):
    return make_cage("Colony", user, id=7)


@pytest.fixture
def get(user):
    """get(query): what the person's token gets."""
    caller = caller_of(user)
    return lambda **query: caller.get(ADDRESS, query)


def numbers(response):
    assert response.status_code == 200, response.content
    return [item["number"] for item in response.json()["items"]]


def test_an_item_tells_what_is_known_of_the_animal(get, cage):
    facts = {"strain": "C57BL/6J", "genotype": "+/+", "protocol": "G 12", "group": "control"}
    animal = make_animal(cage, "M1", FEBRUARY, MARCH, sex="f", born_on=date(2026, 1, 1), **facts)
    assert get().json() == {
        "items": [
            {
                **{"id": animal.housings.get().pk, "animal_id": animal.pk, "number": "M1"},
                **{"sex": "f", "born_on": "2026-01-01", **facts},
                **{"cage_id": 7, "since": "2026-02-01", "until": "2026-03-01"},
            }
        ],
        "next": None,
    }


def test_they_are_those_of_the_cages_that_the_person_sees_archived_ones_too(get, user, cage):
    make_animal(cage, "M1")
    make_animal(make_cage(owner=user, archived_at=at("05:00")), "M2")
    other = make_cage()
    make_animal(other, "M3")
    assert numbers(get()) == ["M1", "M2"]
    assert numbers(get(cage=7)) == ["M1"]
    assert refusal(get(cage=other.pk), 404) == refusal(get(cage=99), 404).replace(
        "99", str(other.pk)
    )


def test_a_day_chooses_those_that_lived_there_on_it(get, cage):
    make_animal(cage, "M1", FEBRUARY, MARCH)
    make_animal(cage, "M2", MARCH)
    assert numbers(get(on="2026-02-28")) == ["M1"]
    assert numbers(get(on="2026-03-01")) == ["M2"]


@pytest.mark.parametrize("day", ["0", "20260301", "2026-02-30", "yesterday"])
def test_what_is_no_day_is_refused(get, day):
    assert refusal(get(on=day), 422) == "on: must be a day, as 2026-03-02."


def test_a_page_leads_to_the_next_one_with_the_same_queries(get, cage):
    made = [make_animal(cage).number for _ in range(3)]
    page = get(limit=2)
    assert numbers(page) == made[:2]
    cursor = parse_qs(urlsplit(page.json()["next"]).query)["cursor"][0]
    assert numbers(get(limit=2, cursor=cursor)) == made[2:]
    few = queries_of(get, limit=1)
    assert queries_of(get, limit=3) == few
    assert refusal(get(limit=1001), 422)
