"""What one poll costs the recorder: CPU seconds of this process and of the database's."""

import argparse
import json
import random
import time
from datetime import timedelta

import psutil

from bench import years
from bench.usage import cpu_seconds

SHARD = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cages", type=int, default=5000)
    parser.add_argument("--minutes", type=int, default=20)
    arguments = parser.parse_args()
    with years.database("postgresql"):
        from django.db import connection
        from django.utils import timezone

        from cages.polling.recorder import record_columns
        from cages.slots import slot_of

        years.make_cages(arguments.cages)
        first = slot_of(timezone.now())
        connection.ensure_connection()
        backend = psutil.Process(connection.connection.info.backend_pid)
        before = cpu_seconds(psutil.Process()), cpu_seconds(backend)
        recorded = made = 0.0
        for number in range(arguments.minutes):
            began = time.process_time()
            slot = first + timedelta(minutes=number)
            messages = _messages(slot, arguments.cages)
            made += time.process_time() - began
            recorded += sum(record_columns(slot, json.loads(each), slot) for each in messages)
        client = cpu_seconds(psutil.Process()) - before[0] - made
        server = cpu_seconds(backend) - before[1]
        for who, seconds in (("recorder", client), ("database", server), ("both", client + server)):
            print(f"{who}: {1000 * seconds / recorded:.4f} CPU s per 1,000 polls")


def _messages(slot, cages):
    """The messages of one minute and its cycle: 3 of 4 polls are answered after 1 to 3 s."""
    from cages.models import Cage, Health, Outcome, PollCycle
    from cages.polling.results import PollResult, encode

    chance = random.Random(slot.timestamp())  # noqa: S311  (made-up minutes, not a secret)
    ids = list(Cage.objects.order_by("pk").values_list("pk", flat=True)[:cages])
    results = [
        PollResult(i, Outcome.ANSWERED, chance.randint(1000, 3000), 200, Health(i % 3 + 1))
        if chance.random() < 0.75
        else PollResult(i, Outcome.UNAVAILABLE, chance.randint(1000, 3000), 503)
        for i in ids
    ]
    PollCycle.objects.create(slot=slot, started_at=slot, planned=cages)
    starts = range(0, cages, SHARD)
    return [json.dumps(encode(results[start : start + SHARD])) for start in starts]


if __name__ == "__main__":
    main()
