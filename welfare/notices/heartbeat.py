"""The dead-man address: it is called after each full cycle, and somebody else misses the call.

It is never called again for the same minute: the next minute calls it anyway.
"""

import contextlib
import http.client
import logging
import socket
import threading
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from neurocage import redis_server

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
DEADLINE_SECONDS = 10.0
# What is read of an answer. Only its status counts.
ANSWER_BYTES = 4096
KEY = "neurocage:heartbeat"
# A little longer than two minutes, so that one lost call is not yet silence.
TOLD_FOR_SECONDS = 150
WORDS_LIMIT = 200


class HeartbeatError(Exception):
    """The address was not reached, or did not answer 2xx."""


def call(url: str) -> None:
    """Ask the address with GET. Redirects are not followed.

    Each step takes TIMEOUT_SECONDS at most and all of them DEADLINE_SECONDS, apart from looking up
    the name, which the system bounds. Raises HeartbeatError.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    # An answer that comes a byte at a time would never meet the timeout.
    timer = threading.Timer(DEADLINE_SECONDS, _cut, [connection])
    timer.daemon = True
    timer.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(
            "GET", target, headers={"User-Agent": "Neurocage", "Connection": "close"}
        )
        answer = connection.getresponse()
        answer.read(ANSWER_BYTES)
        status = answer.status
    except (OSError, http.client.HTTPException) as error:
        raise HeartbeatError(f"{type(error).__name__}: {error}") from error
    finally:
        timer.cancel()
        connection.close()
    if not 200 <= status < 300:
        raise HeartbeatError(f"It answered {status}.")


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def beat(url: str) -> None:
    """Call the address, and let the others know how it went. The log tells only changes."""
    before, told = failure(), ""
    try:
        call(url)
    except HeartbeatError as error:
        told = str(error)[:WORDS_LIMIT]
    if told and not before:
        logger.warning("The heartbeat's address cannot be called: %s", told)
    elif before and not told:
        logger.warning("The heartbeat's address answers again")
    with contextlib.suppress(RedisError), redis_server.connect() as redis:
        redis.set(KEY, told, ex=TOLD_FOR_SECONDS)


def failure() -> str | None:
    """What went wrong with the last call: "" if nothing did, None where nobody knows."""
    try:
        with redis_server.connect() as redis:
            found: str | None = redis.get(KEY)
    except RedisError:
        return None
    return found
