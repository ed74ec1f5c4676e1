"""Events, marks, light schedules and animals as files of their own."""

import csv
import io
from datetime import date

import pytest
from django.urls import reverse

from cages.models import CageEvent, EventKind
from tests.factories import (
    at,
    give_light,
    make_animal,
    make_cage,
    make_mark,
    make_schedule,
    make_user,
)

NOW = at("12:00")
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def cage(user):
    return make_cage("Colony", user, room="Room 1")


def rows_of(browser, table, **query):
    query = {"table": table, "which": "all", "from": "2026-03-02", "to": "2026-03-02", **query}
    response = browser.get(reverse("cage-export-table"), query)
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_events_are_those_of_the_seen_cages_up_to_the_last_day(browser, cage):
    other = make_cage("Theirs", make_user("other"))
    CageEvent.objects.note(EventKind.PAUSED, [cage, other], at("06:00"), None)
    (row,) = rows_of(browser, "events")
    assert (row["label"], row["event"]) == ("Colony", "paused")
    assert row["at_utc"] == f"{at('06:00'):%Y-%m-%dT%H:%M:%SZ}"


def test_a_mark_of_a_room_is_there_once_for_all_its_cages(browser, cage, user):
    make_cage("Second", user, room="Room 1")
    mark = make_mark(cage.room, at("06:00"))
    make_mark(cage, at("06:00"), withdrawn_at=at("06:30"))
    assert [row["mark_id"] for row in rows_of(browser, "marks")] == [str(mark.pk)]


def test_each_schedule_version_of_the_days_is_explained(browser, cage):
    give_light(cage.room, make_schedule(), at("00:00"))
    period = give_light(cage, make_schedule("Late", on="09:00", off="21:00"), at("08:00"))
    rows = rows_of(browser, "schedules")
    assert [row["lights_on"] for row in rows] == ["07:00", "09:00"]
    assert rows[1]["schedule_version"] == str(period.pk)
    assert [row["room"] for row in rows] == ["Room 1", ""]


def test_animals_are_those_who_lived_there_on_these_days(browser, cage):
    make_animal(cage, "M1", since=date(2026, 2, 1), until=date(2026, 3, 2))
    make_animal(cage, "M2", since=date(2026, 2, 1), group="control", sex="f")
    (row,) = rows_of(browser, "animals")
    assert (row["animal"], row["group"], row["sex"], row["until"]) == ("M2", "control", "f", "")


def test_archived_cages_are_there_where_they_are_asked_for(browser, user):
    archived = make_cage("Gone", user, archived_at=at("05:00"))
    make_animal(archived, "M1")
    assert rows_of(browser, "animals") == []
    assert len(rows_of(browser, "animals", which="archived")) == 1
