"""Whether a server answers: databases that the person named, and our own web processes."""

import http.client
import time
from urllib.parse import urlsplit

from local_stack.processes import StackError

GIVEN_SECONDS = 10


def wait_for_database(url, sleep, seconds=GIVEN_SECONDS):
    """Wait some seconds until PostgreSQL at the address answers; StackError when it does not."""
    import psycopg2

    if url.startswith("pgsql:"):
        url = "postgresql" + url.removeprefix("pgsql")

    def connect():
        psycopg2.connect(url, connect_timeout=5).close()

    _wait_for("DATABASE_URL", url, connect, psycopg2.Error, sleep, seconds)


def wait_for_redis(url, sleep, seconds=GIVEN_SECONDS):
    """Wait some seconds until the Redis at the address answers; StackError when it does not."""
    import redis

    def ping():
        with redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()

    _wait_for("REDIS_URL", url, ping, (redis.RedisError, OSError), sleep, seconds)


def _wait_for(name, url, attempt, errors, sleep, seconds):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except errors as error:
            if time.monotonic() > deadline:
                parts = urlsplit(url)  # the address is shown without user and password
                place = f"{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}"
                reason = " ".join(str(error).split())
                raise StackError(
                    f"{name} is given, but the server at {place} does not answer: {reason}"
                ) from None
        sleep(0.5)


def answers_200(port, path="/healthz", host="localhost"):
    """True when 127.0.0.1:port answers a GET of the path with 200 within two seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
