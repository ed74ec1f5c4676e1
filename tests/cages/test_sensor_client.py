"""The sensor client: what each answer means. `responses` plays the sensors.

What only a real socket can do is in test_sensor_sockets.py.
"""

import gzip
import json

import pytest
import requests

from cages.models import Health, Outcome
from cages.polling.results import DETAIL_LIMIT
from cages.polling.sensor_client import BODY_LIMIT_BYTES, SensorClient, excerpt
from tests.played import played_sensors

SENSORS = "http://sensors.test"
CAGE = 7
URL = f"{SENSORS}/data/{CAGE}/"
GOOD = b'{"cage_id": 7, "status": 2}'


def answer_to(body=GOOD, status=200, **reply):
    """What the client makes of an answer that `responses` plays."""
    with played_sensors() as sensors:
        sensors.get(URL, body=body, status=status, **reply)
        return SensorClient(SENSORS).ask(CAGE, 60)


# What answers mean


@pytest.mark.parametrize("health", Health)
def test_a_valid_answer_brings_each_health(health):
    result = answer_to(json.dumps({"cage_id": CAGE, "status": int(health)}))
    assert (result.cage_id, result.outcome, result.status) == (CAGE, Outcome.ANSWERED, health)
    assert (result.http_status, result.detail) == (200, "")
    assert result.latency_ms >= 0


@pytest.mark.parametrize(
    "body",
    [
        b'\r\n\t {"status" :2 ,\n"cage_id": 7}  \n',
        b'{"cage_id": 7, "status": 2, "battery": {"volts": [3.7, null]}, "id": 9}',
        b"\xef\xbb\xbf" + GOOD,
        b'{"cage_id": 7, "history": [' + b",".join([b'{"status": 1}'] * 400) + b'], "status": 2}',
        GOOD + b" " * (BODY_LIMIT_BYTES - len(GOOD)),
    ],
    ids=["blanks and order", "more keys", "byte-order mark", "long history", "just 64 KiB"],
)
def test_an_unusual_valid_answer_is_an_answer(body):
    assert answer_to(body).status == Health.OK


def test_a_compressed_answer_is_an_answer():
    result = answer_to(gzip.compress(GOOD), headers={"Content-Encoding": "gzip"})
    assert result.status == Health.OK


@pytest.mark.parametrize("body", [b'{"cage_id": 7, "status": "N/A"}', b"", GOOD])
def test_503_is_unavailable_whatever_it_says(body):
    result = answer_to(body, 503, headers={"Retry-After": "3600"})
    assert (result.outcome, result.http_status) == (Outcome.UNAVAILABLE, 503)
    assert (result.status, result.detail) == (None, "")


@pytest.mark.parametrize("status", [201, 206, 400, 404, 429, 500, 502, 504])
def test_any_other_status_is_an_http_error_even_with_a_good_body(status):
    result = answer_to(GOOD, status)
    assert (result.outcome, result.http_status) == (Outcome.HTTP_ERROR, status)
    assert result.status is None
    assert result.detail.startswith(f"HTTP {status}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_http_error_and_not_followed(status):
    # RequestsMock refuses any address that it was not told of.
    result = answer_to(b"", status, headers={"Location": f"{SENSORS}/data/8/"})
    assert (result.outcome, result.detail) == (Outcome.HTTP_ERROR, f"HTTP {status}")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"not json", "not JSON"),
        (b'{"cage_id": 7, "sta', "not JSON"),
        (GOOD + GOOD, "not JSON"),
        (b"\xff\xfe\x00 no text", "not JSON"),
        (b"\x00" * 50, "not JSON"),
        (b'{"cage_id": 7, "status": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 60_000, "too many brackets"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too many brackets"),
        (b'{"status": 2, "cage_id": ' + b"[" * 600 + b"]" * 600 + b"}", "too many brackets"),
        (b'{"status": 2, "cage_id": ' + b"[" * 490 + b"]" * 490 + b"}", "not this cage's id"),
        (b'{"cage_id": 7, "status": 1, "status": 2}', "a key twice in one object"),
        (
            b'{"cage_id": 7, "status": 2, "x": [{"a": 1, "\\u0061": 1}]}',
            "a key twice in one object",
        ),
        (b"null", "not a JSON object"),
        (b"2", "not a JSON object"),
        (b'[{"cage_id": 7, "status": 2}]', "not a JSON object"),
        (b"{}", "not this cage's id"),
        (b'{"status": 2}', "not this cage's id"),
        (b'{"cage_id": 8, "status": 2}', "not this cage's id"),
        (b'{"cage_id": "7", "status": 2}', "not this cage's id"),
        (b'{"cage_id": 7.0, "status": 2}', "not this cage's id"),
        (b'{"cage_id": null, "status": 2}', "not this cage's id"),
        (b'{"cage_id": [7], "status": 2}', "not this cage's id"),
        (b'{"cage_id": 7}', "not a status from 1 to 3"),
        (b'{"cage_id": 7, "status": 4}', "not a status from 1 to 3"),
    ],
)
def test_an_unusable_body_is_malformed_and_says_why(body, reason):
    result = answer_to(body)
    assert (result.outcome, result.http_status) == (Outcome.MALFORMED, 200)
    assert result.status is None
    assert result.detail.startswith(f"{reason}: ")


def test_true_is_no_id_although_it_equals_one():
    with played_sensors() as sensors:
        sensors.get(f"{SENSORS}/data/1/", body=b'{"cage_id": true, "status": 2}')
        assert SensorClient(SENSORS).ask(1, 60).outcome == Outcome.MALFORMED


def test_a_body_over_64_kib_is_malformed():
    result = answer_to(GOOD + b" " * BODY_LIMIT_BYTES)
    assert (result.outcome, result.http_status) == (Outcome.MALFORMED, 200)
    assert result.detail == "unusable body: longer than 64 KiB"


def test_a_body_over_64_kib_changes_nothing_for_another_status():
    assert answer_to(b"x" * 100_000, 503).outcome == Outcome.UNAVAILABLE
    assert answer_to(b"x" * 100_000, 500).outcome == Outcome.HTTP_ERROR


def test_a_body_that_is_not_compressed_as_it_says_is_malformed():
    result = answer_to(GOOD, headers={"Content-Encoding": "gzip"})
    assert (result.outcome, result.http_status) == (Outcome.MALFORMED, 200)
    assert answer_to(GOOD, 503, headers={"Content-Encoding": "gzip"}).http_status == 503


def test_an_excerpt_shows_the_text_that_was_there():
    assert excerpt(b"Gateway\r\nTimeout \xff") == "Gateway  Timeout \ufffd"
    assert excerpt(b"") == ""


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectTimeout(),
        requests.ReadTimeout("read timed out"),
        requests.ConnectionError(TimeoutError()),
    ],
)
def test_a_timeout_is_a_timeout_however_it_is_wrapped(error):
    result = answer_to(error)
    assert (result.outcome, result.http_status, result.detail) == (Outcome.TIMEOUT, None, "")


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (requests.ConnectionError(ConnectionResetError(104, "Reset by peer")), "Reset by peer"),
        (requests.ConnectionError(OSError(-2, "Unknown host")), "Unknown host"),
        (requests.ConnectionError("line one\nline two\x00"), "line one line two "),
        (requests.exceptions.InvalidHeader("x" * 1000), "x" * DETAIL_LIMIT),
    ],
)
def test_no_connection_says_why_in_one_printable_line(error, detail):
    result = answer_to(error)
    assert (result.outcome, result.http_status) == (Outcome.CONNECTION_ERROR, None)
    assert result.detail == detail


def test_a_mistake_of_our_own_is_raised_and_not_blamed_on_the_sensor():
    with pytest.raises(ZeroDivisionError):
        answer_to(ZeroDivisionError("ours"))
