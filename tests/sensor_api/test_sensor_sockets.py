"""The sensor client against real sockets: nothing that a sensor does can hurt it."""

import gzip

import pytest

from cages.models import Health, Outcome
from cages.polling.answer import MOST_INTERIM, RAW_LIMIT_BYTES
from cages.polling.sensor_client import BODY_LIMIT_BYTES, SensorClient
from tests.sensor_server import (
    CAGE,
    GOOD,
    PATIENT,
    SHORT,
    Sensor,
    ask,
    drip_body,
    hanging_up,
    never,
    reply,
    resetting,
    saying,
)


def drip_chunks(sensor, connection):
    sensor.hear(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    sensor.drip(connection, b"1\r\n \r\n")


def drip_header(sensor, connection):
    sensor.hear(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    sensor.drip(connection, b"z")


def drip_status_line(sensor, connection):
    sensor.hear(connection)
    sensor.drip(connection, b"H")


@pytest.mark.parametrize(
    "behaviour",
    [never, drip_body, drip_chunks, drip_header, drip_status_line],
)
def test_an_answer_that_never_ends_is_a_timeout_at_the_deadline(behaviour):
    result = ask(behaviour, timeout=SHORT)
    assert (result.outcome, result.http_status, result.detail) == (Outcome.TIMEOUT, None, "")
    assert result.latency_ms >= SHORT * 1000


def test_a_retry_does_not_move_the_deadline():
    with Sensor(saying(reply()), never) as sensor:
        client = SensorClient(sensor.url)
        client.ask(CAGE, PATIENT)
        assert client.ask(CAGE, SHORT).outcome == Outcome.TIMEOUT


@pytest.mark.parametrize("layers", [1, 2])
def test_a_compressed_bomb_is_opened_only_a_little(layers):
    bomb = b" " * 10_000_000
    for _ in range(layers):
        bomb = gzip.compress(bomb)
    encoding = ", ".join(["gzip"] * layers)
    result = ask(saying(reply(bomb, f"Content-Encoding: {encoding}")))
    assert (result.outcome, result.detail) == (
        Outcome.MALFORMED,
        "unusable body: longer than 64 KiB",
    )


def endless(beginning, piece):
    """A behaviour: the beginning of an answer, then the piece as fast as the line takes it."""

    def behave(sensor, connection):
        sensor.hear(connection)
        connection.sendall(beginning)
        while not sensor.stopping.is_set():
            connection.sendall(piece * 10_000)

    return behave


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 ", b"2"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (CHUNKED, b"0"),
        (CHUNKED, b"1;" + b"x" * 1000 + b"\r\n \r\n"),
        (CHUNKED + b"0\r\n", b"Trailer: x\r\n"),
    ],
    ids=["headers", "header", "status", "interim answers", "chunk size", "extensions", "trailers"],
)
def test_an_endless_flood_is_cut_and_fills_no_memory(beginning, piece):
    result = ask(endless(beginning, piece))
    assert result.outcome == Outcome.CONNECTION_ERROR
    assert result.detail.isprintable()


def test_an_endless_body_is_cut_at_64_kib():
    result = ask(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"    "))
    assert (result.outcome, result.http_status) == (Outcome.MALFORMED, 200)
    assert RAW_LIMIT_BYTES > BODY_LIMIT_BYTES


@pytest.mark.parametrize(
    "behaviour",
    [
        saying(reply(length=len(GOOD) + 10)),
        saying(CHUNKED + b"1b\r\n" + GOOD[:10]),
        saying(CHUNKED + b"no number\r\n"),
        saying(b"SSH-2.0-OpenSSH_9.2\r\n"),
        saying(b"\x15\x03\x01\x00\x02\x02\x50\x00"),
        saying(b"HTTP/1.1 \x00\x1b[31m\r\n\r\n"),
        saying(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        hanging_up,
        resetting,
    ],
    ids=["cut body", "cut chunk", "bad chunk", "SSH", "TLS", "bad status"]
    + ["only an interim answer", "hang up", "reset"],
)
def test_a_broken_answer_is_a_connection_error_with_a_printable_reason(behaviour):
    result = ask(behaviour)
    assert (result.outcome, result.http_status) == (Outcome.CONNECTION_ERROR, None)
    assert result.detail
    assert result.detail.isprintable()


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b" \r\n", b"\r\n\r\n"])
@pytest.mark.parametrize("before", [b"", INTERIM], ids=["", "after an interim answer"])
def test_an_empty_line_before_the_answer_is_said_in_words(before, line_end):
    result = ask(saying(before + line_end + reply()))
    assert result.outcome == Outcome.CONNECTION_ERROR
    assert result.detail == "an empty line before the HTTP/1 answer"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["Transfer-Encoding: chunked"], "both Transfer-Encoding and Content-Length"),
        (["Content-Length: 5"], "more than one Content-Length"),
        (["Content-Encoding: gzip"] * 2, "more than one Content-Encoding"),
        (["Content-Encoding: identity"] * 2, "more than one Content-Encoding"),
    ],
)
def test_a_body_that_can_be_read_in_two_ways_is_malformed(lines, reason):
    result = ask(saying(reply(GOOD, *lines)))
    assert (result.outcome, result.http_status) == (Outcome.MALFORMED, 200)
    assert result.detail == f"unusable body: {reason}"
    assert ask(saying(reply(GOOD, *lines, status="503 No"))).outcome == Outcome.UNAVAILABLE


def test_a_broken_body_changes_nothing_for_another_status():
    assert ask(saying(reply(length=99, status="503 No"))).outcome == Outcome.UNAVAILABLE
    assert ask(saying(reply(length=99, status="500 No"))).outcome == Outcome.HTTP_ERROR


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b"5\r\n" + GOOD[:5] + b"\r\n" + b"16;x=y\r\n" + GOOD[5:] + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200\r\ncontent-length: 27\r\n\r\n" + GOOD,
        b"HTTP/1.0 200 OK\r\n\r\n" + GOOD,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + GOOD,
        b"HTTP/1.1 100 Continue\r\n\r\n" + reply(),
        b"HTTP/1.1 102 Processing\r\n\r\n" + INTERIM * (MOST_INTERIM - 1) + reply(),
        reply(GOOD, "Content-Length: 27"),
        reply(gzip.compress(gzip.compress(GOOD)), "Content-Encoding: gzip, gzip"),
        reply(GOOD, "Set-Cookie: a=b; expires=never; max-age=x", "Content-Type: ;;=\xe9"),
    ],
    ids=["chunked", "lower case", "HTTP/1.0", "no length", "interim answer"]
    + ["many interim answers", "a length twice", "two encodings on one line", "odd headers"],
)
def test_an_unusual_way_of_answering_is_an_answer(answer):
    assert ask(saying(answer)).status == Health.OK
