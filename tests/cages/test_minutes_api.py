"""Every minute for programs, with what the export says of it: GET /api/v1/minutes."""

import csv
import io

import pytest
from django.urls import reverse

from cages.models import Health, Outcome
from tests import programs
from tests.factories import (
    at,
    give_light,
    make_animal,
    make_cage,
    make_mark,
    make_schedule,
    record_minutes,
    slot,
)
from tests.pages import queries_of
from tests.programs import address, caller_of, get, refusal, walk

NOW = programs.NOW
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
SPAN = {"from": "2026-03-02T06:58", "to": "2026-03-02T07:03"}


@pytest.fixture
def caller(user):
    return caller_of(user)


@pytest.fixture
def cage(user):
    cage = make_cage("Colony", user, id=7, room="R1")
    record_minutes(cage, slot("06:58"), [Health.BAD, Outcome.TIMEOUT, None, Health.OK])
    give_light(cage.room, make_schedule(), at("00:00"))
    make_mark(cage, at("07:01"))
    make_animal(cage, group="control")
    return cage


def test_each_minute_is_there_and_says_why_it_is_not_known(caller, cage):
    items = get(caller, "minutes", cage=7, **SPAN)["items"]
    assert [(item["status"], item["why_not_known"]) for item in items] == [
        (1, None),
        (None, "unanswered"),
        (None, "outage"),
        (2, None),
        (None, "outage"),
    ]
    assert [item["watched"] for item in items] == [True, True, False, True, False]


def test_each_minute_says_light_handling_and_group(caller, cage):
    items = get(caller, "minutes", cage=7, **SPAN)["items"]
    phases = [(item["light_phase"], item["zt_minutes"]) for item in items]
    assert phases[1:3] == [("dark", 1439), ("light", 0)]
    assert [item["handling"] for item in items] == [None, None, None, "handling", None]
    assert {item["group"] for item in items} == {"control"}
    assert {item["schedule_version"] for item in items} == {cage.room.light_periods.get().pk}


def test_it_says_the_same_as_the_export(caller, browser, cage):
    query = {"cage": 7, "from": "2026-03-02", "to": "2026-03-02", "kind": "readings"}
    file = b"".join(browser.get(reverse("cage-export-file"), query).streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(file, newline="")))
    day = {"from": "2026-03-02", "to": "2026-03-03"}
    items = get(caller, "minutes", cage=7, **day)["items"]
    assert len(items) == len(rows) == 7 * 60 + 10
    names = set(items[0]) & set(rows[0])
    assert len(names) == 13
    for item, row in zip(items, rows, strict=True):
        assert item["slot"] == row["slot_utc"]
        item["watched"] = int(item["watched"])
        told = {name: "" if item[name] is None else str(item[name]) for name in names}
        assert told == {name: row[name] for name in names}


def test_pages_go_on_from_cage_to_cage(caller, user, cage):
    make_cage("Later", user, id=9, created_at=at("07:01:30"))
    whole = get(caller, "minutes", cage=[7, 9], **SPAN)["items"]
    slots = [(item["cage_id"], item["slot"][14:16]) for item in whole]
    assert slots == [(7, "58"), (7, "59"), (7, "00"), (7, "01"), (7, "02"), (9, "01"), (9, "02")]
    for limit in (1, 3, 5, 7):
        assert list(walk(caller, "minutes", cage=[7, 9], limit=limit, **SPAN)) == whole


def test_it_ends_with_the_last_minute_that_is_over(caller, cage):
    items = get(caller, "minutes", cage=7, **{**SPAN, "to": "2027-01-01"})["items"]
    assert items[-1]["slot"] == f"{slot('07:09'):%Y-%m-%dT%H:%M:%SZ}"
    assert get(caller, "minutes", cage=7, **{"from": "2026-06-01", "to": "2027-01-01"}) == {
        "items": [],
        "next": None,
    }


def test_a_moment_within_a_minute_begins_with_the_next_one(caller, cage):
    span = {"from": "2026-03-02T06:58:01", "to": "2026-03-02T06:59:01"}
    items = get(caller, "minutes", cage=7, **span)["items"]
    assert [item["slot"][11:16] for item in items] == ["05:59"]


def test_minutes_of_others_are_not_found(caller):
    make_cage(id=8)
    assert "no cage 8" in refusal(caller.get(address("minutes", cage=8, **SPAN)), 404)


def test_more_minutes_do_not_cost_more_queries(caller, cage):
    # The first one notes that the token was used.
    get(caller, "minutes", cage=7, **SPAN)
    few = queries_of(caller.get, address("minutes", cage=7, limit=1, **SPAN))
    assert queries_of(caller.get, address("minutes", cage=7, limit=5, **SPAN)) == few
