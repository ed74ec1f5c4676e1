"""kombu's transport for Redis, corrected where the loss of Redis would end a worker."""

from typing import Any

from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(kombu_redis.Channel):
    """A channel that reports a connection that was given up as a lost connection.

    When Redis goes away, Celery 5.7.0 gives its connection up and then closes it once more. Tasks
    that are still running acknowledge their messages through it when they end. There kombu 5.7.0
    raises AttributeError, which ends the worker with all the results that wait in it. Lost
    connections are expected everywhere.
    """

    @property
    def pool(self) -> Any:
        try:
            return super().pool
        except AttributeError as error:
            if self.connection is not None and self.connection.client is not None:
                raise
            raise ConnectionLost("this connection was given up") from error


class Transport(kombu_redis.Transport):
    """The transport behind redis:// and rediss://."""

    Channel = Channel
