"""Concerns for programs: GET /api/v1/concerns."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from people.models import ApiToken
from tests.factories import at, make_cage, make_user
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.models import Finding, Kind

NOW = at("07:10")
pytestmark = pytest.mark.usefixtures("clock")
ADDRESS = "/api/v1/concerns"


@pytest.fixture
def owner(db):
    return make_user("owner")


@pytest.fixture
def get(owner):
    """get(query): what the owner's token gets."""
    _token, secret = ApiToken.objects.issue(owner, "test", NOW, form="1")
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    return lambda **query: client.get(ADDRESS, query)


def numbers(response):
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_an_item_has_its_findings(get, owner):
    concern = make_concern(make_cage(owner=owner, id=700))
    desk.find(concern.pk, owner, Finding.SICK, "limps", NOW)
    (item,) = get().json()["items"]
    wanted = {
        "kind": "bad_long",
        "subject": "cage:700",
        "cage_id": 700,
        "is_since_known": False,
        "since": "2026-03-02T05:30:00Z",
        "ending": "found",
        "findings": [
            {"at": "2026-03-02T06:10:00Z", "finding": "sick", "by": "owner", "text": "limps"}
        ],
    }
    assert wanted.items() <= item.items()


def test_a_person_gets_the_concerns_of_their_cages(get, owner):
    mine = make_concern(make_cage(owner=owner))
    make_concern(make_cage())
    assert numbers(get()) == [mine.pk]


def test_they_are_chosen_by_when_they_were_raised_and_by_their_state(get, owner):
    early = make_concern(make_cage(owner=owner), raised="06:00")
    late = make_concern(make_cage(owner=owner), raised="07:00")
    desk.find(early.pk, owner, Finding.NORMAL, "", NOW)
    assert numbers(get(**{"from": "2026-03-02T07:00", "to": "2026-03-02T07:01"})) == [late.pk]
    assert numbers(get(to="2026-03-02T07:00")) == [early.pk]
    assert numbers(get(state="open")) == [late.pk]
    assert numbers(get(state="closed")) == [early.pk]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "nonsense"},
        {"from": "yesterday"},
        {"from": "2026-03-02T07:00", "to": "2026-03-02T07:00"},
        {"limit": "1001"},
        {"cursor": "forged"},
    ],
)
def test_what_makes_no_sense_is_refused(get, query):
    assert get(**query).status_code == 422


def test_pages_follow_each_other(get, owner):
    made = [make_concern(make_cage(owner=owner)).pk for _number in range(3)]
    first = get(limit=2)
    assert numbers(first) == made[:2]
    following = dict(parse_qsl(urlsplit(first.json()["next"]).query))
    assert numbers(get(**following)) == made[2:]


def test_the_number_of_queries_does_not_grow(get, owner):
    make_concern(make_cage(owner=owner))
    counts = []
    for _time in range(2):
        with CaptureQueriesContext(connection) as queries:
            get()
        counts.append(len(queries))
        for _number in range(5):
            concern = make_concern(make_cage(owner=owner), Kind.BAD_LONG)
            desk.find(concern.pk, owner, Finding.NORMAL, "", NOW)
    assert counts[1] <= counts[0]


def test_without_a_token_nothing_is_told(db):
    assert Client().get(ADDRESS).status_code == 401
