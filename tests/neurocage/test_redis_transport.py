"""What neurocage.redis_transport corrects in kombu. The whole way is tested in tests/faults."""

import contextlib

import pytest
from kombu.transport import redis as kombu_redis

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
