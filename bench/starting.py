"""`python -m bench.starting`: how long `start_slot` takes.

Runs the task five times, for five minutes that have no cycle yet, with the database and Redis of
the environment. Prints the seconds of each run as a JSON list. No poller may listen: the messages
stay in the queue and are deleted.
"""

import json
import sys
import time
from unittest import mock

import django

TIMES = 5


def main():
    django.setup()
    from django.utils import timezone

    from bench.stack import MINUTE
    from cages.polling.tasks import start_slot
    from neurocage.celery import app

    now = timezone.now()
    found = []
    # One more at the beginning, which opens the connections.
    for number in range(TIMES + 1):
        with mock.patch.object(timezone, "now", return_value=now + number * MINUTE):
            start = time.perf_counter()
            start_slot()
            found.append(time.perf_counter() - start)
        # If shards wait, the task skips the next slot.
        with app.connection_for_write() as connection:
            sent = connection.default_channel.queue_purge("polls")
        if not sent:
            sys.exit("start_slot has sent no shard")
    print(json.dumps(found[1:]))


if __name__ == "__main__":
    main()
