"""What the API says when it is asked wrongly or too often, or when a part is away; its document."""

import json
import socket
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db import OperationalError
from django.test import Client

from cages.api.tokens import REQUESTS_A_MINUTE
from tests.factories import make_cage
from tests.programs import NOW, SERIES, WHOLE, address, caller_of, get, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(user):
    return caller_of(user)


# Asked wrongly


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"from": None}, "from: this parameter is required."),
        ({"to": None}, "to: this parameter is required."),
        ({"cage": None}, "cage: this parameter is required."),
        ({"from": "yesterday"}, "from: 'yesterday' is not a time like 2026-03-02T07:00:00Z"),
        ({"from": "2026-03-02T07:00:00 01:00"}, "+ is written %2B"),
        ({"to": "1772434800"}, "to: '1772434800' is not a time"),
        ({"from": "0001-01-01T00:00+10:00"}, "from: write a year from 1970 to 2999."),
        ({"to": "9999-12-31T23:59-10:00"}, "to: write a year from 1970 to 2999."),
        ({"to": "2026-03-02T24:00"}, "to: 2026-03-02T24:00: write 24:00 as 00:00 of the next day"),
        (
            {"from": "2025-10-26T02:30"},
            "from: 2025-10-26T02:30:00 comes twice in Europe/Berlin. "
            "Write 2025-10-26T02:30:00+02:00 or 2025-10-26T02:30:00+01:00. "
            "In an address, + is written %2B.",
        ),
        (
            {"from": "2025-03-30T02:30"},
            "from: 2025-03-30T02:30:00 never comes in Europe/Berlin: the clock is set forward. "
            "Write 2025-03-30T01:30:00+01:00 or 2025-03-30T03:30:00+02:00.",
        ),
        ({"to": "\x00"}, "to: '\\x00' is not a time"),
        ({"to": "x" * 9000}, f"to: '{'x' * 40}' is not a time"),
        ({"to": "2026-03-02T07:00"}, "to: must be after from."),
        ({"to": "2026-03-01"}, "to: must be after from."),
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
def test_a_bad_parameter_is_named(caller, user, change, said):
    make_cage(owner=user, id=1)
    asked = {"cage": 1, **WHOLE, **change}
    query = {key: value for key, value in asked.items() if value is not None}
    for name in SERIES:
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


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "head", "options", "trace"])
def test_everything_is_read_with_get(caller, method):
    checked = Client(enforce_csrf_checks=True, headers=caller.headers)
    for path in ("cages", "states", "readings", "cages/1", "openapi.json"):
        response = getattr(checked, method)(f"/api/v1/{path}")
        assert (response.status_code, response["Allow"]) == (405, "GET")
        assert response["Content-Type"] == "application/json"
        assert method == "head" or "this API is read with GET" in refusal(response, 405)


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


OF_A_TOKEN, OF_CAGES = "people.models.token.ApiTokenQuerySet.of_secret", "people.access.Access.sees"


@pytest.mark.parametrize(
    ("place", "error", "status"),
    [
        (OF_CAGES, ZeroDivisionError, 500),
        (OF_CAGES, OperationalError, 503),
        (OF_A_TOKEN, OperationalError, 503),
    ],
)
def test_what_fails_in_neurocage_is_said_in_json(user, monkeypatch, place, error, status):
    caller = caller_of(user, raise_request_exception=False)

    def fail(*_args):
        raise error("inner words")

    monkeypatch.setattr(place, fail)
    response = caller.get(address("cages"))
    said = refusal(response, status)
    assert "inner words" not in said
    assert ("The database does not answer." in said) == (status == 503)
    assert (response.get("Retry-After") == "30") == (status == 503)


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
    assert caplog.text.count("Requests are not counted") == 3


def test_a_redis_that_hangs_is_asked_once_and_not_waited_for(caller, settings, caplog):
    with socket.create_server(("127.0.0.1", 0)) as server:
        cache = settings.CACHES["default"]
        away = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        quick = {**cache["OPTIONS"], "socket_timeout": 0.2}
        settings.CACHES = {"default": {**cache, "LOCATION": away, "OPTIONS": quick}}
        get(caller, "cages")
        server.setblocking(False)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()
    assert caplog.text.count("Requests are not counted: Timeout") == 1
    assert cache["OPTIONS"]["socket_timeout"] == cache["OPTIONS"]["socket_connect_timeout"] == 2


# The document


def test_the_document_tells_of_every_address(caller):
    document = get_document(caller)
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) == {
        f"/api/v1/{path}"
        for path in (
            *("cages", "cages/{cage_id}", "states", "readings", "requests", "hourly"),
            *("concerns", "notices"),
        )
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
    for path in ("/api/v1/cages/7", "/api/v1/cages?limit=0", "/api/v1/nothing"):
        german = caller.get(path, headers={"Accept-Language": "de"})
        assert german.content == caller.get(path).content
