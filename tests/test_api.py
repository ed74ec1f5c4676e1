"""The API: whose data it gives, page by page, and what it says when it is asked wrongly."""

import json
from datetime import UTC, timedelta

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cages.api.tokens import REQUESTS_A_MINUTE
from cages.models import ApiToken, Health, Outcome, Reading, SensorRequest
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

NOW = at("07:10:30")
WHOLE = {"from": "2026-03-02T07:00", "to": "2026-03-02T08:00"}
SERIES = ("readings", "requests", "hourly")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fixed_now(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def caller_of(person, **options):
    """A program with a token of the person."""
    _token, secret = ApiToken.objects.issue(person, f"token {person.api_tokens.count()}", NOW)
    return Client(headers={"Authorization": f"Bearer {secret}"}, **options)


@pytest.fixture
def caller(user):
    return caller_of(user)


def address(name, **query):
    return reverse(f"api:{name}", query=query)


def get(caller, name, **query):
    """The page that the API answers with."""
    response = caller.get(address(name, **query))
    assert response.status_code == 200, response.content
    return response.json()


def refusal(response, status):
    """The sentence of an answer with this status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    answer = response.json()
    assert list(answer) == ["detail"]
    return answer["detail"]


def walk(caller, name, **query):
    """Every item, from page to page as `next` leads."""
    items, following = [], address(name, **query)
    while following:
        page = caller.get(following).json()
        items += page["items"]
        following = page["next"]
        assert following is None or following.startswith("http://testserver/api/v1/")
    return items


def as_utc(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
        "id": 8,
        "label": "Mine",
        "owner": "ruth",
        "room": "R2",
        "rack": "B",
        "row": "B",
        "column": 7,
        "strain": "",
        "animal_count": None,
        "notes": "Quiet, please",
        "is_polled": True,
        "created_at": "2026-02-28T23:00:00Z",
        "archived_at": None,
    }
    (archived,) = get(caller, "cages", archived="true")["items"]
    assert (archived["id"], archived["archived_at"]) == (4, "2026-03-02T05:00:00Z")


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
    assert said == f"cage: you have no cage {number}."
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
    assert states[:2] == [
        {
            "cage_id": 1,
            "condition": "bad",
            "status": 1,
            "status_label": "bad",
            "reading_slot": "2026-03-02T06:08:00Z",
            "age_seconds": 150,
            "outcome": "timeout",
            "outcome_slot": "2026-03-02T06:09:00Z",
        },
        {
            "cage_id": 2,
            "condition": "unseen",
            "status": 3,
            "status_label": "perfect",
            "reading_slot": "2026-03-02T05:00:00Z",
            "age_seconds": 70 * 60 + 30,
            "outcome": "answered",
            "outcome_slot": "2026-03-02T05:00:00Z",
        },
    ]
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
    request = SensorRequest(outcome=outcome)
    assert request.answer_status == implied.get(outcome)
    request.http_status = 299
    assert request.answer_status == 299


@pytest.mark.storage
def test_hours_count_minutes_and_polls(caller, user):
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
    }
    # Nothing was answered in it, so no latency is known.
    assert (hours[1]["hour"], hours[1]["timeout"]) == ("2026-03-02T07:00:00Z", 1)
    assert (hours[1]["ok"], hours[1]["latency_ms_sum"]) == (0, None)
    assert len(hours) == 2


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
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
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
    for name, model in (("readings", Reading), ("requests", SensorRequest)):
        items = walk(caller, name, **query)
        rows = model.objects.filter(cage__in=cages, slot__gte=begin, slot__lt=end)
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
    assert sum(item["answered"] for item in items) == Reading.objects.count()


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
    [("cages", 2), ("states", 2), ("readings", 3), ("requests", 3), ("hourly", 4)],
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


# Asked wrongly


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"from": None}, "from: this parameter is required."),
        ({"to": None}, "to: this parameter is required."),
        ({"cage": None}, "cage: this parameter is required."),
        ({"from": "yesterday"}, "from: 'yesterday' is not a time like 2026-03-02T07:00:00Z"),
        ({"from": "2026-03-02T07:00:00 01:00"}, "+ is written %2B"),
        ({"to": "1772434800"}, "to: '1772434800' is not a time"),
        ({"from": "0001-01-01T00:00+10:00"}, "from: '0001-01-01T00:00+10:00' is not a time"),
        ({"to": "\x00"}, "to: '\\x00' is not a time"),
        ({"to": "x" * 9000}, f"to: '{'x' * 40}' is not a time"),
        ({"to": "2026-03-02T07:00"}, "to: must be later than from."),
        ({"to": "2026-03-01"}, "to: must be later than from."),
        ({"cage": "seven"}, "cage: input should be a valid integer"),
        ({"cage": ""}, "cage: input should be a valid integer"),
        ({"cage": "9" * 5000}, "cage: unable to parse"),
        ({"cage": list(range(1, 10))}, "cage: list should have at most 8 items"),
        ({"limit": "0"}, "limit: input should be greater than or equal to 1."),
        ({"limit": "10001"}, "limit: input should be less than or equal to 10000."),
        ({"limit": "all"}, "limit: input should be a valid integer"),
        ({"from": None, "limit": "0"}, "from: this parameter is required. limit: "),
    ],
)
def test_a_bad_parameter_is_named(caller, user, name, change, said):
    make_cage(owner=user, id=1)
    asked = {"cage": 1, **WHOLE, **change}
    query = {key: value for key, value in asked.items() if value is not None}
    assert said in refusal(caller.get(address(name, **query)), 422)


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("cages", {"limit": 501}, "limit: input should be less than or equal to 500."),
        ("cages", {"archived": "perhaps"}, "archived: input should be a valid boolean"),
        ("states", {"limit": 10_001}, "limit: input should be less than or equal to 10000."),
    ],
)
def test_a_bad_parameter_of_cages_is_named(caller, name, query, said):
    assert said in refusal(caller.get(address(name, **query)), 422)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_cursor_that_is_not_ours_is_refused(caller, three_cages, text):
    caches["default"].clear()
    for name in ("cages", "states", *SERIES):
        query = {"cage": 3, **WHOLE} if name in SERIES else {}
        said = refusal(caller.get(address(name, **query, cursor=text)), 422)
        assert said.startswith("cursor: not one of ours.")


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


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "head", "options", "trace"])
@pytest.mark.parametrize("path", ["cages", "states", "readings", "cages/1", "openapi.json"])
def test_everything_is_read_with_get(caller, path, method):
    checked = Client(enforce_csrf_checks=True, headers=caller.headers)
    response = getattr(checked, method)(f"/api/v1/{path}")
    assert response.status_code == 405
    assert response["Allow"] == "GET"
    assert response["Content-Type"] == "application/json"
    if method != "head":
        assert "this API is read with GET" in refusal(response, 405)


@pytest.mark.parametrize("path", ["", "nothing", "cages/", "cages/1/", "docs", "cages/1/x", "\n"])
@pytest.mark.parametrize("debug", [True, False])
def test_an_unknown_address_is_said_in_json(db, settings, path, debug):
    settings.DEBUG = debug
    for client in (Client(), Client(enforce_csrf_checks=True)):
        assert refusal(client.get(f"/api/v1/{path}"), 404).startswith("Nothing is at /api/v1/")
        refusal(client.post(f"/api/v1/{path}"), 404)


def test_a_query_of_too_many_parameters_is_said_in_json(caller):
    refusal(caller.get(f"{address('cages')}?{'a=1&' * 2000}"), 400)


# Things that are away


@pytest.mark.parametrize(("error", "status"), [(OperationalError, 503), (ZeroDivisionError, 500)])
def test_what_fails_in_neurocage_is_said_in_json(user, monkeypatch, error, status):
    caller = caller_of(user, raise_request_exception=False)

    def fail(*_args):
        raise error("inner words")

    monkeypatch.setattr("cages.models.cage.CageQuerySet.visible_to", fail)
    response = caller.get(address("cages"))
    assert "inner words" not in refusal(response, status)
    assert (response.get("Retry-After") == "30") == (status == 503)


def test_a_database_that_is_away_is_said_in_json(user, monkeypatch):
    caller = caller_of(user, raise_request_exception=False)

    def fail(*_args):
        raise OperationalError("connection refused")

    monkeypatch.setattr("cages.models.token.ApiTokenQuerySet.of_secret", fail)
    assert "The database does not answer." in refusal(caller.get(address("cages")), 503)


def test_a_token_has_so_many_requests_a_minute(caller, user, monkeypatch):
    for _ in range(REQUESTS_A_MINUTE):
        get(caller, "cages")
    response = caller.get(address("states"))
    assert refusal(response, 429) == "Too many requests."
    assert response["Retry-After"] == "30"
    # Neither another token nor the next minute is meant.
    get(caller_of(user), "cages")
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(seconds=30))
    get(caller, "cages")


@pytest.mark.parametrize("away", ["redis://127.0.0.1:1/0", None])
def test_without_redis_everything_is_answered(caller, settings, caplog, monkeypatch, away):
    if away:
        cache = {**settings.CACHES["default"], "LOCATION": away}
        settings.CACHES = {"default": cache}
    else:
        # It answered the first question, and then lost what it knew.
        monkeypatch.setattr(caches["default"], "add", lambda *_args, **_options: True)
    for _ in range(3):
        get(caller, "cages")
    assert caplog.text.count("Requests to the API are not counted") == 3


# The document


def test_the_document_tells_of_every_address(caller):
    document = get_document(caller)
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) == {
        f"/api/v1/{path}"
        for path in ("cages", "cages/{cage_id}", "states", "readings", "requests", "hourly")
    }
    for path in document["paths"].values():
        assert list(path) == ["get"]
        assert path["get"]["security"] == [{"TokenAuth": []}]
        assert {"200", "401", "422", "429", "503"} <= set(path["get"]["responses"])
    scheme = document["components"]["securitySchemes"]["TokenAuth"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_the_document_names_the_parameters_of_a_series(caller):
    operation = get_document(caller)["paths"]["/api/v1/readings"]["get"]
    required = {each["name"]: each["required"] for each in operation["parameters"]}
    assert required == {"cage": True, "from": True, "to": True, "limit": False, "cursor": False}


def test_everything_the_document_refers_to_is_in_it(caller):
    text = caller.get(address("openapi")).content.decode()
    document = json.loads(text)
    for part in text.split('"$ref": "#/')[1:]:
        found = document
        for name in part.partition('"')[0].split("/"):
            found = found[name]


def test_the_document_is_for_those_with_a_token_or_a_session(caller, client_of, staff, user):
    document = get_document(caller)
    assert get_document(client_of(user)) == document
    refusal(Client().get(address("openapi")), 401)
    wrong = {"Authorization": "Bearer nc_wrong"}
    refusal(client_of(staff).get(address("openapi"), headers=wrong), 401)


def get_document(client):
    response = client.get(address("openapi"))
    assert response.status_code == 200
    return response.json()


def test_the_answers_are_in_english(caller):
    german = {"Accept-Language": "de"}
    assert "nothing" not in refusal(caller.get("/api/v1/cages/7", headers=german), 404)
    assert caller.get("/api/v1/cages/7", headers=german).json() == (
        caller.get("/api/v1/cages/7").json()
    )
