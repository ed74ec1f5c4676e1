"""kombu's transport for Redis, corrected where the trouble of Redis would end a worker."""

from typing import Any

from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError

from neurocage.redis_server import ensure_writable

# A server that refuses to write is as good as away: after a failover, or without its replicas or
# its disk. kombu takes its refusal for a fault of the program, which ends the worker.
AWAY: tuple[type[Exception], ...] = (*kombu_redis.Transport.connection_errors, ResponseError)


class QoS(kombu_redis.QoS):
    """The messages that this process has taken and not acknowledged yet."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note that the message was taken.

        It has left its queue already. If Redis does not take the note, it is only here, so it is
        worked on all the same instead of being dropped.
        """
        try:
            super().append(message, delivery_tag)
        except AWAY:
            virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge. Without Redis the message is delivered again, but it takes no place here."""
        try:
            super().ack(delivery_tag)
        except AWAY:
            virtual.QoS.ack(self, delivery_tag)
            raise


class Channel(kombu_redis.Channel):
    """A channel to a server that writes. Trouble is reported as a lost connection.

    When Redis goes away, Celery 5.7.0 gives its connection up and then closes it once more. Tasks
    that are still running acknowledge their messages through it when they end. There kombu 5.7.0
    raises AttributeError, which ends the worker with all the results that wait in it. Lost
    connections are expected everywhere.
    """

    QoS = QoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            ensure_writable(self.client)
        except AWAY:
            self.close()
            raise

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
    connection_errors = AWAY
