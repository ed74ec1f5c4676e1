"""The faults that a simulated sensor can have.

Each function is one fault. Its name is the fault's name, and `/faults/` shows its docstring. It
takes the sensor, the cage's id and the client's connection, and returns what a Flask view returns.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import flask
from flask.typing import ResponseReturnValue

from .connection import Connection

if TYPE_CHECKING:
    from .sensor import Sensor  # it imports this module

LONGEST_HANG_SECONDS = 600
HUGE_BODY_BYTES = 1024 * 1024


def refuse(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Cuts the connection at once, without an answer."""

    def body() -> Iterator[bytes]:
        connection.cut()
        yield b""  # never reached: makes this a generator, so the server has begun to answer

    return flask.Response(body())


def hang(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Never answers. Ends after 10 minutes, or once the client has gone."""

    def body() -> Iterator[bytes]:
        sensor.waiting.wait_while(connection.is_open, LONGEST_HANG_SECONDS)
        connection.cut()
        yield b""  # never reached, as above

    return flask.Response(body())


def drip(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Begins an answer at once, then sends one space a second for 10 minutes."""

    def body() -> Iterator[bytes]:
        yield f'{{"cage_id": {cage_id}, "status":'.encode()
        for _ in range(LONGEST_HANG_SECONDS):
            sensor.waiting.wait(1)
            if sensor.waiting.is_stopping or not connection.is_open():
                break
            yield b" "
        connection.cut()

    return flask.Response(body(), content_type="application/json")


def slow(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Answers as usual, but only after SENSOR_SLOW_SECONDS."""
    sensor.waiting.wait_while(connection.is_open, sensor.settings.slow_seconds)
    return sensor.answer(cage_id)


def unavailable(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Answers every call with 503."""
    return sensor.unavailable(cage_id)


def error(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Answers with 500."""
    return {"error": "The simulated sensor broke down"}, 500


def redirect(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Answers with 302, a redirect to /healthz."""
    return flask.redirect("/healthz")


def malformed(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Answers with 200 and a body that is cut short, so it is not JSON."""
    return flask.Response(f'{{"cage_id": {cage_id}, "sta', content_type="application/json")


def wrong_id(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Answers with 200, with the id and the health of the next cage."""
    return {"cage_id": cage_id + 1, "status": sensor.health(cage_id + 1)}


def bad_status(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Answers with 200 and status 4, which does not exist."""
    return {"cage_id": cage_id, "status": 4}


def huge(sensor: "Sensor", cage_id: int, connection: Connection) -> ResponseReturnValue:
    """Answers with 200 and a valid answer, followed by 1 MiB of spaces."""
    answer = f'{{"cage_id": {cage_id}, "status": {sensor.health(cage_id)}}}'
    return flask.Response(answer + " " * HUGE_BODY_BYTES, content_type="application/json")


_OF_OWN_PACE = (refuse, hang, drip, slow)
_AFTER_LATENCY = (unavailable, error, redirect, malformed, wrong_id, bad_status, huge)
FAULTS: dict[str, Callable[["Sensor", int, Connection], ResponseReturnValue]] = {
    function.__name__: function for function in _OF_OWN_PACE + _AFTER_LATENCY
}
# The faults that come without the usual latency.
OF_OWN_PACE = {function.__name__ for function in _OF_OWN_PACE}
