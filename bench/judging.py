"""What judging one slot costs: CPU seconds of this process and of the database's.

States are made of random minutes: 3 of 4 polls are answered, each health as often as the others. No
cage of these is Bad for long, so that the figures are those of a usual minute.
"""

import argparse
import random
from datetime import timedelta
from statistics import median

import psutil

from bench import years
from bench.usage import cpu_seconds

BATCH = 5000
KEPT = 61


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cages", type=int, default=50_000)
    parser.add_argument("--slots", type=int, default=15)
    arguments = parser.parse_args()
    with years.database("postgresql"):
        from django.db import connection
        from django.utils import timezone

        from cages.slots import slot_of
        from welfare import judge
        from welfare.models import Concern

        years.make_cages(arguments.cages)
        slot = slot_of(timezone.now())
        _make_states(slot)
        backend = psutil.Process(connection.connection.info.backend_pid)
        here, there = [], []
        # The states stay as they are, so each earlier slot has one known minute less.
        for back in range(arguments.slots, -1, -1):
            began = cpu_seconds(psutil.Process()), cpu_seconds(backend)
            judge.judge(slot - timedelta(minutes=back), timezone.now())
            here.append(cpu_seconds(psutil.Process()) - began[0])
            there.append(cpu_seconds(backend) - began[1])
        for who, each in (("judge", here), ("database", there)):
            print(f"{who}: median {median(each):.2f} CPU s a slot, at most {max(each):.2f}")
        print(f"concerns raised: {Concern.objects.count()}")


def _make_states(slot):
    from cages.models import Cage, CageState

    chance = random.Random(17)
    ids = list(Cage.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        CageState.objects.bulk_create(
            [_state(CageState, pk, slot, chance) for pk in ids[start : start + BATCH]]
        )


def _state(kind, pk, slot, chance):
    minutes = "".join(chance.choices("1234", k=KEPT))
    silent = len(minutes) - len(minutes.rstrip("4"))
    last = slot - timedelta(minutes=silent)
    return kind(
        cage_id=pk,
        minutes=minutes,
        outcome_slot=slot,
        reading_slot=last,
        silent_count=silent,
        status=int(minutes[-1 - silent]),
        status_since=last,
    )


if __name__ == "__main__":
    main()
