"""The Redis in REDIS_URL, for what is not a message of Celery."""

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 2
# Nobody ever sets this key.
NO_KEY = "neurocage:no-key"


def connect() -> redis.Redis:
    """Return a client, to be used as a context manager. Each call of it raises RedisError soon."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        decode_responses=True,
    )


def keep_connected(url: str) -> redis.Redis:
    """Return a client for what is asked all the time. Its connections stay open.

    Each call of it raises RedisError after one attempt.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def ensure_writable(client: redis.Redis) -> None:
    """Raise RedisError if the server does not answer, or refuses to write.

    A replica, and a primary that has lost its replicas or its disk, refuse every command that
    writes, though they answer PING and reads.
    """
    client.delete(NO_KEY)
