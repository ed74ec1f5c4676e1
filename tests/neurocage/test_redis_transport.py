"""What neurocage.redis_transport corrects in kombu. The whole way is tested in tests/faults."""

import contextlib

import pytest
from kombu.exceptions import OperationalError as QueueAway
from kombu.transport import redis as kombu_redis

from neurocage import redis_server
from neurocage.celery import app


def test_an_acknowledgement_through_a_connection_that_was_given_up_is_a_lost_connection():
    with (
        app.connection_for_write() as sender,
        contextlib.closing(sender.SimpleQueue("lost")) as out,
    ):
        out.clear()
        out.put({})
    receiver = app.connection_for_read()
    with receiver, contextlib.closing(receiver.SimpleQueue("lost")) as inbox:
        message = inbox.get(timeout=60)
        transport, channel = receiver.transport, message.channel
        assert isinstance(channel, kombu_redis.Channel)
        # As kombu gives a connection up, and closes its channels once more.
        transport.client = None
        with pytest.raises(receiver.connection_errors, match="given up"):
            channel.close()
        with pytest.raises(receiver.connection_errors, match="given up"):
            message.ack()
        transport.client = receiver
        message.ack()


@pytest.fixture
def configure():
    """configure(name, value): set something of the real server; it is set back at the end."""
    with redis_server.connect() as redis:
        before = {}

        def set_one(name, value):
            before.setdefault(name, redis.config_get(name)[name])
            redis.config_set(name, value)

        yield set_one
        for name, value in before.items():
            redis.config_set(name, value)


@contextlib.contextmanager
def queue_of(connection):
    with connection, contextlib.closing(connection.SimpleQueue("refused")) as queue:
        yield queue


def test_a_server_that_refuses_to_write_counts_as_a_lost_connection(configure):
    with queue_of(app.connection_for_write()) as open_before:
        configure("min-replicas-to-write", "1")
        with pytest.raises(app.connection_for_write().connection_errors, match="NOREPLICAS"):
            open_before.get(timeout=60)
    with app.connection_for_read() as broker:
        with pytest.raises(broker.connection_errors, match="NOREPLICAS"):
            broker.connect()
        with pytest.raises(QueueAway):
            app.send_task("cages.polling.tasks.purge_cage", (1,), connection=broker, retry=False)


def test_a_message_that_a_full_redis_gave_out_is_worked_on(configure):
    with queue_of(app.connection_for_write()) as out:
        out.clear()
        out.put("measured")
    with queue_of(app.connection_for_read()) as inbox:
        configure("maxmemory", "1")
        message = inbox.get(timeout=60)
        assert message.payload == "measured"
        message.ack()
