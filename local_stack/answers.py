"""Whether a server answers: a given database or Redis, or one of our own web processes."""

import http.client
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from local_stack.processes import Sleep, StackError

GIVEN_SECONDS = 10


def wait_for_database(url: str, sleep: Sleep, seconds: float = GIVEN_SECONDS) -> None:
    """Wait until the PostgreSQL at this URL accepts a connection.

    Raises StackError when it does not within the seconds.
    """
    import psycopg2

    if url.startswith("pgsql:"):
        url = "postgresql" + url.removeprefix("pgsql")

    def connect() -> None:
        psycopg2.connect(url, connect_timeout=5).close()

    _wait_for("DATABASE_URL", url, connect, (psycopg2.Error,), sleep, seconds)


def wait_for_redis(url: str, sleep: Sleep, seconds: float = GIVEN_SECONDS) -> None:
    """Wait until the Redis at this URL answers PING.

    Raises StackError when it does not within the seconds.
    """
    import redis

    def ping() -> None:
        with redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()

    _wait_for("REDIS_URL", url, ping, (redis.RedisError, OSError), sleep, seconds)


def _wait_for(
    name: str,
    url: str,
    attempt: Callable[[], None],
    errors: tuple[type[Exception], ...],
    sleep: Sleep,
    seconds: float,
) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except errors as error:
            if time.monotonic() > deadline:
                parts = urlsplit(url)  # only host and port are shown, never the password
                place = f"{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}"
                reason = " ".join(str(error).split())
                raise StackError(
                    f"{name} is set, but the server at {place} does not answer: {reason}"
                ) from None
        sleep(0.5)


def answers_200(port: int, path: str = "/healthz") -> bool:
    """True when 127.0.0.1:port answers a GET of the path with 200 within two seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": "localhost", "Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
