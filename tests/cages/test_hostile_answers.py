"""Hostile input from sensors, made up by Hypothesis, and what may become of it.

Cases that a person thought of are in test_sensor_client.py and test_sensor_sockets.py.
"""

import codecs
import json
import logging
from dataclasses import replace

import pytest
from django.urls import reverse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cages.models import Health, Outcome, Poll
from cages.polling.poller import Poller, ask_now
from cages.polling.recorder import record, record_columns
from cages.polling.results import DETAIL_LIMIT, PollResult, encode
from cages.polling.sensor_client import BODY_LIMIT_BYTES, MOST_BRACKETS, SensorClient, judge
from tests.factories import at, make_cage, slot
from tests.sensor_server import CAGE, GOOD, PATIENT, Sensor, ask, reply


def judged(body, status_code=200, cage_id=CAGE):
    """What `judge` makes of it, after what holds for every answer."""
    result = judge(cage_id, status_code, body, 5)
    assert (result.cage_id, result.http_status, result.latency_ms) == (cage_id, status_code, 5)
    assert (result.status is not None) == (result.outcome == Outcome.ANSWERED)
    assert_short(result.detail)
    return result


def assert_short(detail):
    assert len(detail) <= DETAIL_LIMIT
    assert detail.isprintable()


def without_repeated_keys(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def health_in(body, cage_id=CAGE):
    """The health that the body tells of the cage in the words of the contract, or None."""
    try:
        answer = json.loads(body, object_pairs_hook=without_repeated_keys)
    except (ValueError, RecursionError):
        return None
    if body.count(b"[") + body.count(b"{") > MOST_BRACKETS or not isinstance(answer, dict):
        return None
    told = answer.get("cage_id"), answer.get("status")
    if any(isinstance(number, bool) or not isinstance(number, int) for number in told):
        return None
    return Health(told[1]) if told[0] == cage_id and 1 <= told[1] <= 3 else None


# What is not an answer


@given(st.binary(max_size=400), st.sampled_from([200, 200, 500, 301, 100, 999]))
def test_any_bytes_come_to_one_outcome(body, status_code):
    result = judged(body, status_code)
    if status_code == 200:
        assert result.status == health_in(body)
    else:
        assert result.outcome == Outcome.HTTP_ERROR


@given(st.text(max_size=400))
def test_any_text_behind_an_error_is_one_printable_line(text):
    result = judged(text.encode("utf-8", errors="surrogatepass"), 500)
    assert result.detail == "HTTP 500" if not text else result.detail.startswith("HTTP 500: ")


numbers = st.integers() | st.floats() | st.integers(10**30, 10**40)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=10)
keys = st.sampled_from(["cage_id", "status"]) | st.text(max_size=5)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)
encodings = st.sampled_from(
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)


@given(anything, encodings, st.booleans())
def test_any_json_comes_to_one_outcome(value, encoding, ascii_only):
    body = json.dumps(value, ensure_ascii=ascii_only).encode(encoding, errors="surrogatepass")
    result = judged(body)
    assert result.status == health_in(body)
    assert result.outcome in (Outcome.ANSWERED, Outcome.MALFORMED)


@given(st.integers(0, 60_000), st.sampled_from([b"[", b'{"a":', b"[[", b'[{"b":']))
def test_any_depth_comes_to_one_outcome(depth, opening):
    body = (b'{"cage_id": 7, "status": 2, "x": ' + opening * depth)[:BODY_LIMIT_BYTES]
    assert judged(body).outcome == Outcome.MALFORMED


# What is nearly an answer. Its text is put together here, so the verdict is known beforehand.

blanks = st.text(" \t\r\n", max_size=3)
# Nothing that ends up as one of the two keys.
other_keys = st.text(max_size=8).filter(lambda key: key not in ("cage_id", "status"))
values = st.sampled_from(["[[]]", "NaN", "-0.0", '{"status": 3}']) | scalars.map(json.dumps)
others = st.lists(
    st.tuples(other_keys.map(json.dumps), values), max_size=3, unique_by=lambda pair: pair[0]
)
id_keys = st.sampled_from(['"cage_id"', '"cage\\u005fid"', '"\\u0063age_id"'])
status_keys = st.sampled_from(['"status"', '"st\\u0061tus"'])
# As JSON texts: not the number, or not as a whole number.
no_id = st.sampled_from(
    ["7.0", "7e0", "70e-1", '"7"', "true", "null", "[7]", '{"7": 7}', "-7", "0", "8", "NaN"]
    + ["Infinity", "7" * 4_000, "18446744073709551623", '"\\ud800"']
) | scalars.filter(lambda value: type(value) is not int or value != CAGE).map(json.dumps)
no_status = st.sampled_from(
    ["0", "4", "-1", "2.0", "2e0", '"2"', '"OK"', "true", "false", "null", "[2]", "{}", "NaN"]
    + ["-Infinity", "2" * 4_000, "4294967298", "18446744073709551618", '"\\u0000"']
) | scalars.filter(lambda value: type(value) is not int or not 1 <= value <= 3).map(json.dumps)


@st.composite
def answers(draw, cage_id, status, encoding=encodings):
    """The bytes of an object with these two values (JSON texts) among others, in any order."""
    pairs = draw(st.permutations([*draw(others), (draw(id_keys), draw(cage_id))]))
    pairs.insert(draw(st.integers(0, len(pairs))), (draw(status_keys), draw(status)))
    blank = draw(blanks)
    members = [f"{blank}{key}{blank}:{blank}{value}{blank}" for key, value in pairs]
    return f"{blank}{{{','.join(members)}}}{blank}".encode(draw(encoding))


@given(st.sampled_from(Health), st.data())
def test_a_right_answer_is_taken_however_it_is_written(health, data):
    body = data.draw(answers(st.just("7"), st.just(str(int(health)))))
    assert judged(body).status == health


@given(answers(no_id, st.sampled_from("123")))
def test_a_wrong_id_is_never_an_answer(body):
    assert judged(body).outcome == Outcome.MALFORMED


@given(answers(st.just("7"), no_status))
def test_a_wrong_status_is_never_an_answer(body):
    assert judged(body).outcome == Outcome.MALFORMED


@given(answers(st.just("7"), st.just("2"), st.just("utf-8")), st.data())
def test_one_wrong_byte_changes_no_more_than_the_contract_says(body, data):
    place = data.draw(st.integers(0, len(body) - 1))
    kind = data.draw(st.sampled_from(["replace", "insert", "cut"]))
    byte = bytes([data.draw(st.integers(0, 255))])
    rest = {"replace": byte + body[place + 1 :], "insert": byte + body[place:], "cut": b""}
    changed = body[:place] + rest[kind]
    assert judged(changed).status == health_in(changed)


@given(st.integers(1, 2_147_483_647), st.integers(-(2**70), 2**70))
@example(1, 1)
def test_only_the_cage_that_was_asked_is_answered(cage_id, told):
    result = judged(b'{"cage_id": %d, "status": 1}' % told, cage_id=cage_id)
    assert (result.outcome == Outcome.ANSWERED) == (told == cage_id)


# On the way to the recorder


@st.composite
def results(draw):
    """A PollResult as the poller makes it, of no cage yet."""
    outcome = draw(st.sampled_from(Outcome))
    return PollResult(
        0,
        outcome,
        draw(st.none() | st.integers(0, 10**6)),
        draw(st.none() | st.integers(100, 999)),
        draw(st.sampled_from(Health)) if outcome == Outcome.ANSWERED else None,
        draw(st.text(max_size=DETAIL_LIMIT)),
    )


class ResultsInTheDatabase(TestCase):
    @settings(max_examples=40)
    @given(st.lists(results(), max_size=5))
    def test_they_are_as_they_went_through_redis(self, shard):
        shard = [replace(result, cage_id=make_cage().id) for result in shard]
        columns = json.loads(json.dumps(encode(shard)))
        assert record_columns(slot("07:00"), columns, slot("07:01")) == len(shard)
        polls = {poll.cage_id: poll for poll in Poll.objects.all()}
        for result in shard:
            poll = polls[result.cage_id]
            assert (poll.outcome, poll.status) == (result.outcome, result.status)
            assert (poll.latency_ms, poll.http_status) == (
                result.latency_ms,
                result.stored_http_status,
            )
            assert poll.detail == (result.detail.replace("\x00", " ") or None)


# On the line

HEAD = b"HTTP/1.1 200 OK\r\n"
PIECES = [
    *(HEAD, b"HTTP/1.1 ", b"HTTP/1.0 200\r\n", b"HTTP/0.9 ", b"HTTP/1.1 204 \r\n"),
    *(b"200", b"503", b"099", b"1000", b"-200", b"+200", b"2_0", b"\xb2\xb2\xb2", b" ", b"\t"),
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 304 X\r\n", b"HTTP/1.1 302 X\r\n"),
    *(b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\x00", b":", b": ", b"X: y\r\n", b" folded\r\n"),
    *(b"Content-Length: ", b"27", b"0", b"-1", b"9" * 30, b"27, 27", b"0x1b", b"=?utf-8?b?"),
    *(b"Content-Length: 27\r\n", b"Transfer-Encoding: chunked\r\n", b"1b\r\n", b"0\r\n\r\n"),
    *(b"Transfer-Encoding: gzip, chunked\r\n", b"f" * 20 + b"\r\n", b"-5\r\n", b"1;x=\r\n"),
    *(b"Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\x00", b"Content-Encoding: deflate, br\r\n"),
    *(b"Content-Type: text/plain; charset=\xff\r\n", b"Location: //[\r\n", b"Connection: x\r\n"),
    *(b"Set-Cookie: a=b; expires=Fri, 99 Foo 99999; port=x\r\n", GOOD),
]


BODY_HEADERS = (b"Content-Length: 27\r\n", b"Transfer-Encoding: chunked\r\n\r\n")


class Playing:
    """A behaviour: sends what is in `said`, whatever was asked, and closes."""

    said = b""

    def __call__(self, sensor, connection):
        sensor.hear(connection)
        connection.sendall(self.said)


def test_whatever_comes_over_the_line_is_a_result():
    playing = Playing()
    with Sensor(playing) as sensor:
        client = SensorClient(sensor.url)

        @settings(max_examples=200)
        @given(
            st.sampled_from([b"", HEAD, HEAD, *(HEAD + more for more in BODY_HEADERS)]),
            st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=12).map(b"".join),
        )
        def say(beginning, rest):
            playing.said = beginning + rest
            assert_harmless(client)

        say()


def assert_harmless(client):
    result = client.ask(CAGE, PATIENT)
    # Everything that is said ends, and so does the waiting for more.
    assert result.outcome != Outcome.TIMEOUT
    assert (result.status is not None) == (result.outcome == Outcome.ANSWERED)
    assert result.http_status is None or 100 <= result.http_status <= 999
    assert result.outcome != Outcome.SKIPPED
    assert_short(result.detail)
    return result


@pytest.mark.parametrize("status", ["200 OK", "503 No", "500 No"])
@pytest.mark.parametrize("size", [b"-1", b"-5", b"-ffffffffffffffffffff"])
def test_a_chunk_of_negative_size_is_the_sensors_fault(size, status):
    head = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    playing = Playing()
    playing.said = head + size + b"\r\n" + GOOD + b"\r\n0\r\n\r\n"
    with Sensor(playing) as sensor:
        assert assert_harmless(SensorClient(sensor.url)).outcome != Outcome.ANSWERED


def with_headers(*lines):
    return ask(lambda sensor, line: sensor.hear(line) and line.sendall(reply(GOOD, *lines)))


@pytest.mark.parametrize(
    "lines",
    [["X: y"] * 90, ["X: " + "y" * 10_000], [f"X-{n}: {'y' * 100}" for n in range(90)]],
    ids=["many", "long", "many long"],
)
def test_many_and_long_headers_are_taken(lines):
    assert with_headers(*lines).outcome == Outcome.ANSWERED


@pytest.mark.parametrize(
    "lines",
    [["X: y"] * 120, ["X: " + "y" * 70_000], ["X" * 70_000 + ": y"], ["no colon " * 8_000]],
    ids=["too many", "too long", "long name", "long nonsense"],
)
def test_too_many_or_too_long_headers_are_refused(lines):
    result = with_headers(*lines)
    assert (result.outcome, result.http_status) == (Outcome.CONNECTION_ERROR, None)
    assert result.detail
    assert_short(result.detail)


@pytest.mark.parametrize("missing", range(-4, 5))
def test_headers_as_long_as_allowed_leave_nothing_of_themselves_in_the_body(missing):
    # A limit that ends between the two bytes of a line's end must not shift what follows.
    limit = 16 * 1024
    length = "Content-Length: 27"
    padding = "X: " + "y" * (limit + missing - len(length) - len("X: "))
    result = with_headers(padding)
    assert result.outcome in (Outcome.ANSWERED, Outcome.CONNECTION_ERROR)


# In the log and on the pages

MARK = "MOUSE"
LOUD = (MARK * 200).encode()
LOUDLY = {
    "status line": LOUD + b"\r\n\r\n",
    "status": b"HTTP/1.1 " + LOUD + b" OK\r\n\r\n",
    "version": LOUD + b"/1.1 200 OK\r\n\r\n",
    "reason": b"HTTP/1.1 500 " + LOUD + b"\r\n\r\n",
    "header without colon": HEAD + LOUD + b"\r\nContent-Length: 27\r\n\r\n" + GOOD,
    "folded header": HEAD + b" " + LOUD + b"\r\nContent-Length: 27\r\n\r\n" + GOOD,
    "header": HEAD + LOUD + b": " + LOUD + b"\r\nContent-Length: 27\r\n\r\n" + GOOD,
    "length": HEAD + b"Content-Length: " + LOUD + b"\r\n\r\n" + GOOD,
    "both lengths": HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n" + LOUD,
    "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + LOUD + b"\r\n",
    "encoding": HEAD + b"Content-Encoding: " + LOUD + b"\r\n\r\n" + LOUD,
    "gzip": HEAD + b"Content-Encoding: gzip\r\n\r\n" + LOUD,
    "type": HEAD + b"Content-Type: multipart/x; boundary=" + LOUD + b"\r\n\r\n" + LOUD,
    "cookie": HEAD + b"Set-Cookie: " + LOUD + b"=; expires=" + LOUD + b"\r\n\r\n" + LOUD,
    "place": b"HTTP/1.1 302 X\r\nLocation: http://[" + LOUD + b"\r\n\r\n",
    "body": HEAD + b"\r\n" + LOUD,
    "error": b"HTTP/1.1 500 X\r\n\r\n" + LOUD,
}


def test_nothing_that_a_sensor_says_fills_the_log(caplog):
    caplog.set_level(logging.INFO)
    playing = Playing()
    with Sensor(playing) as sensor:
        poller = Poller(sensor.url, 1, PATIENT)
        for said in LOUDLY.values():
            playing.said = said
            (result,) = poller.poll([CAGE], slot("07:00"), clock=lambda: at("07:00").timestamp())
            assert result.outcome != Outcome.SKIPPED
            assert_short(result.detail)
    for line in caplog.text.splitlines():
        assert line.count(MARK) * len(MARK) <= DETAIL_LIMIT


NASTY = (
    b"""<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{ 7|add:7 }}{% now "Y" %}&lt;"""
)
NASTY += codecs.encode("\u202e\u2028", "utf-8")
SHOWN = (
    "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&gt;&lt;img src=x onerror=alert(2)&gt;"
    "{{ 7|add:7 }}{% now &quot;Y&quot; %}&amp;lt;"
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "said",
    [HEAD + b"\r\n" + NASTY, b"HTTP/1.1 500 X\r\n\r\n" + NASTY, NASTY + b"\r\n\r\n"],
    ids=["body", "error", "status line"],
)
def test_what_a_sensor_says_is_shown_as_text(said, client_of, user, settings, monkeypatch):
    playing = Playing()
    playing.said = said
    cage = make_cage(owner=user)
    with Sensor(playing) as sensor:
        settings.SENSOR_API_URL = sensor.url
        minute = slot("07:00")
        record(minute, [ask_now(cage.pk)], now=minute)
        tried = client_of(user).post(reverse("cage-test-sensor", args=(cage.pk,)))
    monkeypatch.setattr("django.utils.timezone.now", lambda: at("07:02"))
    settings.SESSION_COOKIE_AGE = 10**9
    for page in (tried, client_of(user).get(cage.get_absolute_url())):
        assert SHOWN in page.content.decode()
        for forbidden in ("<script>alert", "<img src=x", "\u202e", "\u2028"):
            assert forbidden not in page.content.decode()
