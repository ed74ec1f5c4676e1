"""What each fault does to a call. A function's name is the fault's, its docstring what people read.

Each takes the sensor, the cage's id and the client's connection, and returns what a Flask view may.
"""

from collections.abc import Callable, Iterator

import flask

from .connection import Connection

LONGEST_HANG_SECONDS = 600
HUGE_BODY_BYTES = 1024 * 1024


def refuse(sensor, cage_id: int, connection: Connection):
    """Cuts the connection at once, without an answer."""

    def body() -> Iterator[bytes]:
        connection.cut()
        yield b""  # never reached: makes this a generator, so that the cut waits for the server

    return flask.Response(body())


def hang(sensor, cage_id: int, connection: Connection):
    """Never answers; lets go after 10 minutes, or once the client has gone."""

    def body() -> Iterator[bytes]:
        sensor.waiting.wait_while(connection.is_open, LONGEST_HANG_SECONDS)
        connection.cut()
        yield b""  # never reached, as above

    return flask.Response(body())


def drip(sensor, cage_id: int, connection: Connection):
    """Begins an answer at once, then sends a blank each second, for 10 minutes."""

    def body() -> Iterator[bytes]:
        yield f'{{"cage_id": {cage_id}, "status":'.encode()
        for _ in range(LONGEST_HANG_SECONDS):
            sensor.waiting.wait(1)
            if sensor.waiting.is_stopping or not connection.is_open():
                break
            yield b" "
        connection.cut()

    return flask.Response(body(), content_type="application/json")


def slow(sensor, cage_id: int, connection: Connection):
    """Answers as usual, but only after SENSOR_SLOW_SECONDS."""
    sensor.waiting.wait_while(connection.is_open, sensor.settings.slow_seconds)
    return sensor.answer(cage_id)


def unavailable(sensor, cage_id: int, connection: Connection):
    """Says 503 each time, never a health."""
    sensor.wait_as_usual()
    return sensor.unavailable(cage_id)


def error(sensor, cage_id: int, connection: Connection):
    """Says 500."""
    sensor.wait_as_usual()
    return {"error": "The simulated sensor broke down"}, 500


def redirect(sensor, cage_id: int, connection: Connection):
    """Says 302 and points to /healthz."""
    sensor.wait_as_usual()
    return flask.redirect("/healthz")


def malformed(sensor, cage_id: int, connection: Connection):
    """Says 200 with a body that breaks off, so that it is no JSON."""
    sensor.wait_as_usual()
    return flask.Response(f'{{"cage_id": {cage_id}, "sta', content_type="application/json")


def wrong_id(sensor, cage_id: int, connection: Connection):
    """Says 200 with the id and the health of the next cage."""
    sensor.wait_as_usual()
    return {"cage_id": cage_id + 1, "status": sensor.health(cage_id + 1)}


def bad_status(sensor, cage_id: int, connection: Connection):
    """Says 200 with a status that does not exist, 4."""
    sensor.wait_as_usual()
    return {"cage_id": cage_id, "status": 4}


def huge(sensor, cage_id: int, connection: Connection):
    """Says 200 with a good answer, followed by 1 MiB of blanks."""
    sensor.wait_as_usual()
    answer = f'{{"cage_id": {cage_id}, "status": {sensor.health(cage_id)}}}'
    return flask.Response(answer + " " * HUGE_BODY_BYTES, content_type="application/json")


FAULTS: dict[str, Callable] = {
    function.__name__: function
    for function in (
        refuse,
        hang,
        drip,
        slow,
        unavailable,
        error,
        redirect,
        malformed,
        wrong_id,
        bad_status,
        huge,
    )
}
