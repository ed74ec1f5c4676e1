"""How many messages wait in each queue, and how many the workers hold."""

from dataclasses import dataclass

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from neurocage import redis_server

# kombu's own key: messages that were given to a worker and are not acknowledged yet.
HELD_KEY = "unacked"


def names() -> list[str]:
    """The queues that tasks are sent to, by name."""
    routes = settings.CELERY_TASK_ROUTES.values()
    return sorted({settings.CELERY_TASK_DEFAULT_QUEUE, *(route["queue"] for route in routes)})


@dataclass(frozen=True, slots=True)
class Waiting:
    """lengths: {queue: messages that no worker has taken}. held: those that workers have."""

    lengths: dict[str, int]
    held: int


def waiting() -> Waiting | None:
    """Ask Redis. None while it does not answer."""
    try:
        with redis_server.connect() as client:
            return ask(client)
    except RedisError:
        return None


def ask(client: Redis) -> Waiting:
    """Ask this Redis, in one message. Raises RedisError."""
    queues = names()
    with client.pipeline(transaction=False) as pipeline:
        for queue in queues:
            pipeline.llen(queue)
        pipeline.hlen(HELD_KEY)
        *lengths, held = pipeline.execute()
    return Waiting(dict(zip(queues, lengths, strict=True)), held)
