"""Marks for programs: GET /api/v1/marks."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from cages.models.mark import BuiltIn
from people.models import ApiToken
from tests.factories import at, make_cage, make_mark, make_user
from tests.pages import queries_of

NOW = at("07:10")
ADDRESS = "/api/v1/marks"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cage():
    return make_cage(owner=make_user("owner"), id=700, room="R1", rack="A")


@pytest.fixture
def get(cage):
    """get(query): what the owner's token gets."""
    _token, secret = ApiToken.objects.issue(cage.owner, "test", NOW, form="1")
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    return lambda **query: client.get(ADDRESS, query)


def numbers(response):
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_an_item_tells_everything_that_was_noted(get, cage):
    mark = make_mark(cage, at("06:00"), at("06:10"), kind=BuiltIn.FOOD, note="pellets")
    assert get().json() == {
        "items": [
            {
                "id": mark.pk,
                "key": str(mark.key),
                "kind": "food",
                "is_handling": True,
                "cage_id": 700,
                "rack_id": None,
                "room_id": None,
                "starts_at": "2026-03-02T05:00:00Z",
                "ends_at": "2026-03-02T05:10:00Z",
                "note": "pellets",
                "by": "anna",
                "noted_at": "2026-03-02T05:00:00Z",
                "withdrawn_at": None,
            }
        ],
        "next": None,
    }


def test_a_person_gets_those_of_their_cages_and_of_the_racks_and_rooms_of_these(get, cage):
    mine = [make_mark(place, at("06:00")) for place in (cage, cage.rack, cage.room)]
    other = make_cage(room="R2")
    make_mark(other, at("06:00"))
    make_mark(other.room, at("06:00"))
    assert numbers(get()) == [mark.pk for mark in mine]
    assert numbers(get(cage=700)) == [mine[0].pk]
    assert get(cage=other.pk).status_code == 404


def test_they_are_chosen_by_when_they_began_and_withdrawn_ones_on_demand(get, cage):
    early, late = make_mark(cage, at("05:00")), make_mark(cage, at("06:00"))
    gone = make_mark(cage, at("06:30"), withdrawn_at=at("06:40"))
    assert numbers(get(**{"from": "2026-03-02T06:00"})) == [late.pk]
    assert numbers(get(to="2026-03-02T06:00")) == [early.pk]
    assert numbers(get(withdrawn="true")) == [early.pk, late.pk, gone.pk]


def test_a_page_leads_to_the_next_one_with_the_same_queries(get, cage):
    made = [make_mark(cage, at("06:00")).pk for _ in range(3)]
    page = get(limit=2)
    assert numbers(page) == made[:2]
    cursor = parse_qs(urlsplit(page.json()["next"]).query)["cursor"][0]
    assert numbers(get(limit=2, cursor=cursor)) == made[2:]
    few = queries_of(get, limit=1)
    assert queries_of(get, limit=3) == few
