"""kombu's way to Redis, mended where the loss of Redis would end a worker."""

from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(kombu_redis.Channel):
    def _connparams(self, asynchronous=False):
        """Say "connection lost" of a connection that was given up.

        When Redis goes away, Celery 5.7.0 gives its connection up and then closes it once more, and
        the tasks under way acknowledge their messages through it when they end. kombu 5.7.0 fails
        there with an AttributeError, which nobody expects and which ends the worker with all the
        results that wait in it. Connections that are lost are expected everywhere.
        """
        if self.connection is None or self.connection.client is None:
            raise ConnectionLost("this connection was given up")
        return super()._connparams(asynchronous)


class Transport(kombu_redis.Transport):
    Channel = Channel
