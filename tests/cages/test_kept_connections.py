"""Connections that are kept between two polls, and what must not come along with them."""

import threading

import pytest

from cages.models import Health, Outcome
from cages.polling.sensor_client import SensorClient
from tests.sensor_server import (
    CAGE,
    GOOD,
    PATIENT,
    SHORT,
    Sensor,
    answering,
    drip_body,
    hanging_up,
    reply,
    resetting,
    saying,
)


def test_one_connection_serves_poll_after_poll():
    with Sensor(answering) as sensor:
        client = SensorClient(sensor.url)
        results = [client.ask(CAGE, PATIENT) for _ in range(3)]
        assert [result.outcome for result in results] == [Outcome.ANSWERED] * 3
        assert sensor.connections == 1
        assert sensor.paths == ["/data/7/"] * 3


@pytest.mark.parametrize("ending", [hanging_up, resetting])
def test_a_kept_connection_that_ends_as_it_is_used_again_is_tried_once_more(ending):
    def first_good(sensor, connection):
        saying(reply())(sensor, connection)
        ending(sensor, connection)

    with Sensor(first_good, answering) as sensor:
        client = SensorClient(sensor.url)
        assert [client.ask(CAGE, PATIENT).outcome for _ in range(2)] == [Outcome.ANSWERED] * 2
        assert (sensor.connections, len(sensor.paths)) == (2, 3)


class Closing:
    """A behaviour: one good answer, then the connection is closed, which sets `closed`."""

    def __init__(self):
        self.closed = threading.Event()

    def __call__(self, sensor, connection):
        saying(reply())(sensor, connection)
        connection.close()
        self.closed.set()


def test_a_kept_connection_closed_between_two_polls_is_no_failure():
    with Sensor(closing := Closing(), answering) as sensor:
        client = SensorClient(sensor.url)
        client.ask(CAGE, PATIENT)
        assert closing.closed.wait(PATIENT)
        assert client.ask(CAGE, PATIENT).outcome == Outcome.ANSWERED
        assert (sensor.connections, len(sensor.paths)) == (2, 2)


@pytest.mark.parametrize("ending", [hanging_up, resetting])
def test_a_fresh_connection_that_ends_is_a_failure_and_not_tried_again(ending):
    with Sensor(ending) as sensor:
        result = SensorClient(sensor.url).ask(CAGE, PATIENT)
        assert result.outcome == Outcome.CONNECTION_ERROR
        assert sensor.connections == 1


@pytest.mark.parametrize("ending", [hanging_up, resetting])
def test_a_fresh_connection_in_the_place_of_a_closed_one_is_not_tried_again(ending):
    with Sensor(closing := Closing(), ending) as sensor:
        client = SensorClient(sensor.url)
        client.ask(CAGE, PATIENT)
        assert closing.closed.wait(PATIENT)
        assert client.ask(CAGE, PATIENT).outcome == Outcome.CONNECTION_ERROR
        assert sensor.connections == 2


def test_the_second_try_is_the_last():
    def first_good(sensor, connection):
        saying(reply())(sensor, connection)
        hanging_up(sensor, connection)

    with Sensor(first_good, hanging_up) as sensor:
        client = SensorClient(sensor.url)
        client.ask(CAGE, PATIENT)
        assert client.ask(CAGE, PATIENT).outcome == Outcome.CONNECTION_ERROR
        assert sensor.connections == 2


STRAY = b'{"cage_id": 7, "status": 1}'
REST = b" " * 5_000 + reply(STRAY)


@pytest.mark.parametrize(
    ("first", "outcome"),
    [
        (reply(GOOD) + reply(STRAY), Outcome.ANSWERED),
        (reply(b"", status="204 No Content", length=0) + reply(STRAY), Outcome.HTTP_ERROR),
        (reply(b"", status="304 Not Modified", length=9) + reply(STRAY), Outcome.HTTP_ERROR),
        (reply(b" " * 100_000) + reply(STRAY), Outcome.MALFORMED),
        (reply(b"x" * 100_000, status="503 No") + reply(STRAY), Outcome.UNAVAILABLE),
        (reply(b"z", "Content-Encoding: gzip", status="500 X") + reply(STRAY), Outcome.HTTP_ERROR),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + reply(STRAY), Outcome.HTTP_ERROR),
        (reply(GOOD, "Transfer-Encoding: chunked") + reply(STRAY), Outcome.MALFORMED),
    ],
    ids=["two answers", "204", "304", "too long", "long 503", "bad gzip", "101", "two ends"],
)
def test_what_is_left_of_an_answer_is_never_the_next_one(first, outcome):
    def more_than_asked(sensor, connection):
        saying(first)(sensor, connection)
        answering(sensor, connection)

    with Sensor(more_than_asked, answering) as sensor:
        client = SensorClient(sensor.url)
        assert client.ask(CAGE, PATIENT).outcome == outcome
        assert client.ask(CAGE, PATIENT).status == Health.OK


@pytest.mark.parametrize(
    ("first", "rest", "outcome"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", reply(STRAY), Outcome.HTTP_ERROR),
        (reply(b" " * 75_000, length=80_000), REST, Outcome.MALFORMED),
        (reply(b" " * 75_000, length=80_000, status="500 No"), REST, Outcome.HTTP_ERROR),
    ],
    ids=["101", "too long", "long 500"],
)
def test_a_rest_that_comes_late_is_never_the_next_answer(first, rest, outcome):
    asked_again = threading.Event()

    def late(sensor, connection):
        sensor.hear(connection)
        connection.sendall(first)
        if not sensor.hear(connection):
            asked_again.wait(PATIENT)
        connection.sendall(rest)

    def again(sensor, connection):
        asked_again.set()
        answering(sensor, connection)

    with Sensor(late, again) as sensor:
        client = SensorClient(sensor.url)
        assert client.ask(CAGE, PATIENT).outcome == outcome
        assert client.ask(CAGE, PATIENT).status == Health.OK


def test_a_connection_that_was_given_up_is_not_used_again():
    def answering_once(sensor, connection):
        sensor.hear(connection)
        connection.sendall(reply())
        drip_body(sensor, connection)

    with Sensor(answering_once, answering) as sensor:
        client = SensorClient(sensor.url)
        assert client.ask(CAGE, PATIENT).outcome == Outcome.ANSWERED
        assert client.ask(CAGE, SHORT).outcome == Outcome.TIMEOUT
        assert client.ask(CAGE, PATIENT).outcome == Outcome.ANSWERED
        assert sensor.connections == 2


def test_no_cookie_of_one_sensor_reaches_another():
    heard = []

    def listen(sensor, connection):
        while request := sensor.hear(connection):
            heard.append(request)
            connection.sendall(reply(GOOD, "Set-Cookie: session=1"))

    with Sensor(listen) as sensor:
        client = SensorClient(sensor.url)
        for cage_id in (7, 8):
            client.ask(cage_id, PATIENT)
    assert len(heard) == 2
    assert b"cookie" not in heard[1].lower()
