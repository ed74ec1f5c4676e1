"""What the API says when it is asked wrongly or too often, or when a part is away; its document."""

import json
import re
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from cages.api.tokens import ROWS_OF_A_UNIT, UNITS, WRONG_TOKENS
from cages.views.places.wall import SCREEN_REQUESTS_A_MINUTE
from neurocage import redis_server
from people.models import ApiToken, Scope
from people.models.token import DEFAULT_LIFETIME, LIVE_AT_MOST
from tests.factories import make_cage
from tests.programs import NOW, SERIES, WHOLE, address, caller_of, get, refusal

PAPER = Path(__file__).resolve().parents[2] / "docs/api.md"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture(autouse=True)
def _nothing_counted():
    """Other tests sent requests in the same minute of their clock."""
    cache.clear()


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


def test_a_token_has_so_many_units_and_they_come_back_evenly(caller, user, clock):
    for _ in range(UNITS):
        get(caller, "cages")
    response = caller.get(address("states"), {"limit": 10000})
    assert refusal(response, 429) == (
        "This token has 0 of its 120 units left, and gets 120 in a minute. This request costs 10: "
        "one for each 1000 rows of its limit."
    )
    assert response["Retry-After"] == "5"
    # No other token is meant.
    get(caller_of(user), "cages")
    clock(NOW + timedelta(seconds=5))
    get(caller, "states", limit=10000)
    refusal(caller.get(address("states")), 429)


def test_around_the_full_minute_no_more_units_are_there(caller, clock):
    clock(NOW.replace(second=59, microsecond=900_000))
    for _ in range(UNITS):
        get(caller, "cages")
    clock(NOW.replace(second=0) + timedelta(minutes=1))
    refusal(caller.get(address("cages")), 429)


def test_a_large_page_costs_as_much_as_several(caller):
    costs = {"1": 1, "1000": 1, "1001": 2, "10000": 10, "9999999": 10, "x": 1}
    # The page is as large as it is without these signs.
    costs |= dict.fromkeys(("10000.0", "+10000", " 10000 ", "10_000"), 10)
    for limit in costs:
        caller.get(address("states"), {"limit": limit})
    for _ in range(UNITS - sum(costs.values())):
        get(caller, "cages")
    refusal(caller.get(address("states")), 429)


def test_a_request_that_is_refused_costs_nothing(caller):
    for _ in range(UNITS - 5):
        get(caller, "cages")
    for _ in range(2):
        said = refusal(caller.get(address("states"), {"limit": 10000}), 429)
        assert said.startswith("This token has 5 of its 120 units left")
    for _ in range(5):
        get(caller, "cages")
    refusal(caller.get(address("cages")), 429)


def test_an_address_sends_so_many_wrong_tokens_and_a_right_one_still_opens(caller):
    wrong = {"Authorization": "Bearer nc_wrong"}
    for _ in range(WRONG_TOKENS):
        refusal(Client().get(address("cages"), headers=wrong), 401)
    response = Client().get(address("cages"), headers=wrong)
    assert "Too many wrong tokens" in refusal(response, 429)
    assert response["Retry-After"] == "1"
    get(caller, "cages")
    refusal(Client(REMOTE_ADDR="10.0.0.9").get(address("cages"), headers=wrong), 401)


AWAY = "redis://127.0.0.1:1/0"


def test_without_redis_each_process_counts_for_itself(caller, settings):
    settings.REDIS_URL = AWAY
    for _ in range(UNITS // 10):
        caller.get(address("states"), {"limit": 10000})
    refusal(caller.get(address("states")), 429)


def test_without_redis_everything_is_answered(caller, settings, caplog):
    settings.REDIS_URL = AWAY
    for _ in range(3):
        get(caller, "cages")
    assert caplog.text.count("Requests are not counted") == 3


def test_a_redis_that_hangs_is_asked_once_and_not_waited_for(caller, settings, caplog):
    usual = redis_server.keep_connected(settings.REDIS_URL).get_connection_kwargs()
    assert usual["socket_timeout"] == usual["socket_connect_timeout"] == 2
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0?socket_timeout=0.2"
        get(caller, "cages")
        server.setblocking(False)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()
    assert caplog.text.count("Requests are not counted over all processes: Timeout") == 1


# The document


def test_the_document_tells_of_every_address(caller):
    document = get_document(caller)
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) == {
        f"/api/v1/{path}"
        for path in (
            *("cages", "cages/{cage_id}", "states", "readings", "requests", "hourly"),
            *("minutes", "animals", "marks", "concerns", "notices"),
        )
    }
    for path in document["paths"].values():
        assert list(path) == ["get"]
        assert path["get"]["security"] == [{"TokenAuth": []}]
        assert {"200", "401", "403", "422", "429", "503"} <= set(path["get"]["responses"])
    scheme = document["components"]["securitySchemes"]["TokenAuth"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_the_document_and_the_paper_tell_the_limits(caller):
    told = get_document(caller)["info"]["description"]
    assert f"has {UNITS} units, which come back evenly within a minute" in told
    assert f"one for each {ROWS_OF_A_UNIT} rows of its limit" in told
    paper = " ".join(PAPER.read_text().split())
    for words in (
        f"A token has at most {UNITS} units. They come back evenly, {UNITS // 60} in each second.",
        f"one unit for each {ROWS_OF_A_UNIT:,} rows of its `limit`",
        f"the limit is {UNITS} units for each process",
        f"more than {WRONG_TOKENS} wrong tokens from this address",
        f"at most {SCREEN_REQUESTS_A_MINUTE} for each link",
        f"A person has at most {LIVE_AT_MOST} tokens.",
        f"{DEFAULT_LIFETIME} is chosen unless you choose another",
    ):
        assert words in paper


@pytest.mark.parametrize("scope", [Scope.CAGES, Scope.MINUTES])
def test_the_paper_tells_what_each_scope_opens(user, scope):
    _token, secret = ApiToken.objects.issue(user, "narrow", NOW, scope=scope)
    narrow = Client(headers={"Authorization": f"Bearer {secret}"})
    (row,) = [line for line in PAPER.read_text().splitlines() if f"(`{scope}`)" in line]
    told = set(re.findall(r"`(/api/v1/[^`]+)`", row))
    paths = [path.replace("{cage_id}", "7") for path in get_document(caller_of(user))["paths"]]
    opened = {path for path in paths if narrow.get(path).status_code != 403}
    assert {path.replace("<id>", "7") for path in told} == opened


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
