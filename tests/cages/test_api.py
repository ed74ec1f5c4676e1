"""The API: whose data it gives, what of it, and page by page."""

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cages.api.parameters import moment_from
from cages.api.schemas import CageItem
from cages.models import Health, Outcome, Poll
from cages.models.fields import NAMES
from tests import programs
from tests.factories import (
    LATENCY_MS,
    MINUTE,
    at,
    make_cage,
    make_user,
    record_minute,
    record_minutes,
    slot,
)
from tests.programs import SERIES, WHOLE, address, as_utc, caller_of, get, refusal, walk

NOW = programs.NOW
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(user):
    return caller_of(user)


# Cages and their states


def test_cages_are_those_of_the_person_by_id(caller, user):
    make_cage("Mine", user, id=8, room="R2", rack="B", row="B", column=7, notes="Quiet, please")
    make_cage("Also mine", user, id=3, animal_count=4, strain="C57BL/6J")
    make_cage("Put away", user, id=4, archived_at=at("06:00"))
    make_cage("Somebody else's", id=5)
    page = get(caller, "cages")
    assert page["next"] is None
    assert [cage["id"] for cage in page["items"]] == [3, 8]
    assert page["items"][1] == {
        **{"id": 8, "label": "Mine", "owner": "ruth", "strain": "", "animal_count": None},
        **{"room": "R2", "rack": "B", "row": "B", "column": 7, "notes": "Quiet, please"},
        **{"animals_are_recorded": False},
        **{"is_polled": True, "created_at": "2026-02-28T23:00:00Z", "archived_at": None},
    }
    (archived,) = get(caller, "cages", archived="true")["items"]
    assert (archived["id"], archived["archived_at"]) == (4, "2026-03-02T05:00:00Z")


def test_an_item_has_every_field_of_a_cage():
    assert set(NAMES) <= set(CageItem.model_fields)


def test_facility_staff_read_every_cage(staff, user):
    make_cage(owner=user, id=3)
    caller = caller_of(staff)
    assert [cage["id"] for cage in get(caller, "cages")["items"]] == [3]
    assert [state["cage_id"] for state in get(caller, "states")["items"]] == [3]
    assert caller.get("/api/v1/cages/3").json()["owner"] == "ruth"


@pytest.mark.parametrize("archived_at", [None, at("06:00")])
def test_one_cage_is_there_archived_or_not(caller, user, archived_at):
    make_cage("Mine", user, id=8, archived_at=archived_at)
    cage = caller.get(reverse("api:cage", args=(8,))).json()
    assert (cage["id"], cage["label"]) == (8, "Mine")


@pytest.mark.parametrize("number", ["5", "6", "0", "-1", "2147483648", "9" * 30, f"-{'9' * 30}"])
def test_somebody_elses_cage_looks_like_none(caller, number):
    make_cage(id=5)
    said = refusal(caller.get(f"/api/v1/cages/{number}"), 404)
    assert said == f"cage: there is no cage {number} that you may see."
    for name in SERIES:
        assert refusal(caller.get(address(name, cage=number, **WHOLE)), 404) == said


def test_states_are_the_latest_of_each_active_cage(caller, user):
    seen, silent, new = (make_cage(owner=user, id=number) for number in (1, 2, 3))
    make_cage(owner=user, id=4, archived_at=at("06:00"))
    make_cage(owner=user, id=5, is_polled=False)
    record_minute(seen, slot("07:08"), status=Health.BAD)
    record_minute(seen, slot("07:09"), outcome=Outcome.TIMEOUT)
    record_minute(silent, slot("06:00"), status=Health.PERFECT)
    states = get(caller, "states")["items"]
    assert states[0] == {
        **{"cage_id": 1, "condition": "bad", "status": 1, "status_label": "bad"},
        **{"reading_slot": "2026-03-02T06:08:00Z", "age_seconds": 150},
        **{"outcome": "timeout", "outcome_slot": "2026-03-02T06:09:00Z"},
    }
    assert states[1] == {
        **{"cage_id": 2, "condition": "unseen", "status": 3, "status_label": "perfect"},
        **{"reading_slot": "2026-03-02T05:00:00Z", "age_seconds": 70 * 60 + 30},
        **{"outcome": "answered", "outcome_slot": "2026-03-02T05:00:00Z"},
    }
    unknown = dict.fromkeys(states[0]) | {"cage_id": new.pk, "condition": "unseen"}
    assert states[2:] == [unknown, unknown | {"cage_id": 5, "condition": "paused"}]


# Minutes and hours


def test_readings_are_the_known_minutes_by_cage_and_time(caller, user):
    first, second = make_cage(owner=user, id=1), make_cage(owner=user, id=2)
    record_minutes(second, slot("07:00"), [Health.OK])
    record_minutes(first, slot("07:00"), [Health.BAD, Outcome.TIMEOUT, None, Health.PERFECT])
    assert get(caller, "readings", cage=[2, 1, 2], **WHOLE)["items"] == [
        {"cage_id": 1, "slot": "2026-03-02T06:00:00Z", "status": 1, "status_label": "bad"},
        {"cage_id": 1, "slot": "2026-03-02T06:03:00Z", "status": 3, "status_label": "perfect"},
        {"cage_id": 2, "slot": "2026-03-02T06:00:00Z", "status": 2, "status_label": "ok"},
    ]


def test_the_minutes_of_an_archived_cage_stay(caller, user):
    cage = make_cage(owner=user, id=1, archived_at=at("07:05"))
    record_minute(cage, slot("07:00"))
    for name in SERIES:
        assert len(get(caller, name, cage=1, **WHOLE)["items"]) == 1


def test_requests_tell_what_came_of_each_poll(caller, user):
    cage = make_cage(owner=user, id=1)
    record_minutes(cage, slot("07:00"), [Health.OK, Outcome.UNAVAILABLE, None, Outcome.SKIPPED])
    record_minute(
        cage, slot("07:04"), outcome=Outcome.HTTP_ERROR, http_status=418, detail="a teapot"
    )
    items = get(caller, "requests", cage=1, **WHOLE)["items"]
    assert items[0] == {
        "cage_id": 1,
        "slot": "2026-03-02T06:00:00Z",
        "outcome": "answered",
        "http_status": 200,
        "latency_ms": LATENCY_MS,
        "detail": "",
    }
    found = [tuple(item.values())[2:] for item in items[1:]]
    assert found == [
        ("unavailable", 503, LATENCY_MS, ""),
        ("skipped", None, None, ""),
        ("http_error", 418, LATENCY_MS, "a teapot"),
    ]


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_implies_its_http_status(outcome):
    implied = {Outcome.ANSWERED: 200, Outcome.MALFORMED: 200, Outcome.UNAVAILABLE: 503}
    assert Poll(outcome=outcome).answer_status == implied.get(outcome)
    assert Poll(outcome=outcome, http_status=299).answer_status == 299


@pytest.mark.storage
def test_hours_count_minutes_and_polls(caller, user, clock):
    clock(at("10:00"))
    cage = make_cage(owner=user, id=1)
    known = [Health.BAD, Health.OK, Health.OK, Health.PERFECT]
    record_minutes(cage, slot("07:00"), known + list(Outcome)[1:])
    record_minutes(cage, slot("08:59"), [Outcome.TIMEOUT, Health.OK])
    query = {"cage": 1, "from": "2026-03-02T06:01", "to": "2026-03-02T09:00"}
    hours = get(caller, "hourly", **query)["items"]
    assert hours[0] == {
        "cage_id": 1,
        "hour": "2026-03-02T06:00:00Z",
        **{"bad": 1, "ok": 2, "perfect": 1},
        **{"answered": 4, "unavailable": 1, "timeout": 1, "connection_error": 1},
        **{"http_error": 1, "malformed": 1, "skipped": 1},
        **{"latency_ms_sum": 4 * LATENCY_MS, "latency_ms_max": LATENCY_MS},
        # Up to 50, 100, 200, 300, 500, 750, 1000, 1250, 1500 ms and so on, and longer.
        "latency_bins": [0] * 8 + [4] + [0] * 12,
    }
    # Nothing was answered in it, so no latency is known.
    assert (hours[1]["hour"], hours[1]["timeout"]) == ("2026-03-02T07:00:00Z", 1)
    assert (hours[1]["ok"], hours[1]["latency_ms_sum"]) == (0, None)
    assert hours[1]["latency_bins"] == [0] * 21
    assert len(hours) == 2


def test_what_is_recorded_ahead_of_now_is_no_reading(caller, user, clock):
    cage = make_cage(owner=user, id=1)
    record_minutes(cage, slot("07:02"), [Health.OK, Health.OK])
    record_minute(cage, slot("09:00"), Health.PERFECT)
    query = {"cage": 1, "from": "2026-03-02T07:00", "to": "2026-03-03"}
    clock(at("07:03"))
    assert [one["slot"] for one in get(caller, "readings", **query)["items"]] == [
        "2026-03-02T06:02:00Z",
        "2026-03-02T06:03:00Z",
    ]
    state = get(caller, "states")["items"][0]
    assert (state["condition"], state["age_seconds"]) == ("unseen", None)


def test_from_belongs_to_the_span_and_to_does_not(caller, user):
    record_minutes(make_cage(owner=user, id=1), slot("07:00"), [Health.OK] * 4)
    query = {"cage": 1, "from": "2026-03-02T07:01", "to": "2026-03-02T07:03"}
    slots = [item["slot"][11:16] for item in get(caller, "readings", **query)["items"]]
    assert slots == ["06:01", "06:02"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-02T07:01", "2026-03-02T07:02"),
        ("2026-03-02 07:01:00", "2026-03-02 07:02:00"),
        ("2026-03-02T06:01Z", "2026-03-02T06:02:00.000Z"),
        ("2026-03-02T01:01:00-05:00", "2026-03-02T07:02+01:00"),
        ("2026-03-02T07:00:30", "2026-03-02T07:01:30"),
    ],
)
def test_a_time_without_an_offset_is_the_facilitys(caller, user, start, end):
    record_minutes(make_cage(owner=user, id=1), slot("07:00"), [Health.OK] * 4)
    query = {"cage": 1, "from": start, "to": end}
    assert [r["slot"] for r in get(caller, "readings", **query)["items"]] == [
        "2026-03-02T06:01:00Z"
    ]


def test_a_day_begins_and_ends_at_the_facilitys_midnight(caller, user):
    record_minutes(make_cage(owner=user, id=1), slot("00:00") - MINUTE, [Health.OK] * 2)
    query = {"cage": 1, "from": "2026-03-02", "to": "2026-03-03"}
    (item,) = get(caller, "readings", **query)["items"]
    assert item["slot"] == "2026-03-01T23:00:00Z"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        # The clocks go back at 03:00.
        ("2026-10-25T02:30+02:00", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30+01:00", "2026-10-25T01:30:00Z"),
        ("2026-10-25", "2026-10-24T22:00:00Z"),
        ("2026-10-26", "2026-10-25T23:00:00Z"),
        # They go forward at 02:00.
        ("2026-03-29T03:00", "2026-03-29T01:00:00Z"),
    ],
)
def test_a_time_is_clear_when_the_clocks_change(written, meant):
    assert as_utc(moment_from(written)) == meant


# Pages


@pytest.fixture
def three_cages(user):
    """Minutes with holes in three cages, over two hours."""
    cages = [make_cage(owner=user, id=number) for number in (3, 7, 8)]
    pattern = [Health.OK, Outcome.TIMEOUT, None, Health.BAD, Outcome.SKIPPED]
    for number, cage in enumerate(cages):
        record_minutes(cage, slot("06:55"), (pattern * 3)[number:])
    return cages


@pytest.mark.storage
@hypothesis_settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    max_examples=25,
)
@given(
    limit=st.integers(1, 40),
    cages=st.lists(st.sampled_from([3, 7, 8]), min_size=1, max_size=8),
    start=st.integers(-1, 15),
    length=st.integers(1, 20),
)
def test_pages_of_any_size_hold_what_the_database_holds(
    caller, three_cages, limit, cages, start, length
):
    caches["default"].clear()
    begin = slot("06:55") + start * MINUTE
    end = begin + length * MINUTE
    query = {"cage": cages, "from": as_utc(begin), "to": as_utc(end), "limit": limit}
    polls = Poll.objects.all()
    for name, kept in (("readings", polls.answered()), ("requests", polls)):
        items = walk(caller, name, **query)
        rows = kept.filter(cage__in=cages, slot__gte=begin, slot__lt=end)
        rows = rows.order_by("cage_id", "slot").values_list("cage_id", "slot")
        assert [(i["cage_id"], i["slot"]) for i in items] == [(c, as_utc(s)) for c, s in rows]


@pytest.mark.storage
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_hours_are_the_same_in_pages_of_any_size(caller, three_cages, limit):
    # An hour with polls but without a reading.
    record_minute(three_cages[1], slot("05:30"), outcome=Outcome.TIMEOUT)
    query = {"cage": [3, 7, 8], "from": "2026-03-02T05:00", "to": "2026-03-02T08:00"}
    items = walk(caller, "hourly", limit=limit, **query)
    assert [(item["cage_id"], item["hour"][11:13]) for item in items] == [
        *((3, "05"), (3, "06")),
        *((7, "04"), (7, "05"), (7, "06")),
        *((8, "05"), (8, "06")),
    ]
    assert sum(item["answered"] for item in items) == Poll.objects.answered().count()


@pytest.mark.parametrize("name", ["cages", "states"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_cages_come_in_pages_of_any_size(caller, user, name, limit):
    for number in (4, 2, 9):
        make_cage(owner=user, id=number)
    make_cage(id=5)
    ids = [item.get("id") or item["cage_id"] for item in walk(caller, name, limit=limit)]
    assert ids == [2, 4, 9]


def test_the_way_to_the_next_page_keeps_what_was_asked_for(caller, user):
    for number in (1, 2):
        make_cage(owner=user, id=number, archived_at=at("06:00"))
    page = get(caller, "cages", limit=1, archived="1")
    assert "archived=1&" in page["next"]
    assert [cage["id"] for cage in caller.get(page["next"]).json()["items"]] == [2]


def queries_of(caller, name, **query):
    with CaptureQueriesContext(connection) as queries:
        items = get(caller, name, **query)["items"]
    return len(queries), len(items)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("cages", 2), ("states", 2), ("readings", 3), ("requests", 3), ("hourly", 3)],
)
def test_a_page_takes_the_same_few_queries_whatever_it_holds(caller, user, name, expected):
    get(caller, "states")  # The use of the token is noted once a minute.
    cages = [make_cage(owner=user, id=number) for number in range(1, 9)]
    for cage in cages:
        record_minutes(cage, slot("07:00"), [Health.OK] * 3)
    for ids in ([1], range(1, 9)):
        query = {"cage": list(ids), **WHOLE} if name in SERIES else {"limit": len(ids)}
        queries, items = queries_of(caller, name, **query)
        assert queries == expected
        assert items >= len(ids)


@hypothesis_settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    max_examples=25,
)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_cursor_that_is_not_ours_is_refused(caller, three_cages, text):
    caches["default"].clear()
    for name in ("cages", "states", *SERIES):
        query = {"cage": 3, **WHOLE} if name in SERIES else {}
        said = refusal(caller.get(address(name, **query, cursor=text)), 422)
        assert said.startswith("cursor: not valid.")


def test_a_cursor_with_a_letter_changed_or_of_another_list_is_refused(caller, three_cages):
    following = get(caller, "readings", cage=3, **WHOLE, limit=1)["next"]
    cursor = following.partition("cursor=")[2]
    for changed in (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), f"X{cursor}"):
        refusal(caller.get(following.replace(cursor, changed)), 422)
    refusal(caller.get(f"{address('cages')}?cursor={cursor}"), 422)


def test_a_cursor_behind_all_that_is_asked_for_leads_to_nothing(caller, three_cages):
    following = get(caller, "readings", cage=8, **WHOLE, limit=1)["next"]
    page = caller.get(following.replace("cage=8", "cage=3")).json()
    assert page == {"items": [], "next": None}


def test_a_cursor_does_not_lead_to_somebody_elses_cage(caller, three_cages):
    following = get(caller, "readings", cage=3, **WHOLE, limit=1)["next"]
    refusal(caller_of(make_user()).get(following), 404)
