"""Minutes that a scenario needs behind it: `python -m tests.faults.minutes 500 BAD*30`.

The first argument is how many of the cages were asked, from id 1 on; those that are missing are
made. Then come runs of minutes, each a Health or an Outcome and how many. The last minute is the
one before now. They go through the recorder, into cycles that are finished.
"""

import sys
from datetime import timedelta

import django


def write(count, runs):
    """Return the last slot."""
    from django.utils import timezone

    from cages.models import Cage, Health, Outcome
    from cages.polling.recorder import record
    from cages.slots import SLOT_LENGTH, slot_of
    from people.models import User
    from tests.factories import make_cage, make_cycle, result_of

    owner = User.objects.get(username="ruth")
    there = set(Cage.objects.values_list("pk", flat=True))
    for pk in range(1, count + 1):
        if pk not in there:
            make_cage(f"Made {pk}", owner, id=pk)
    polls = []
    for run in runs:
        name, minutes = run.split("*")
        polls += int(minutes) * [Health[name] if name in Health.__members__ else Outcome[name]]
    last = slot_of(timezone.now()) - SLOT_LENGTH
    for number, ended in enumerate(polls):
        slot = last - (len(polls) - 1 - number) * SLOT_LENGTH
        make_cycle(slot, count, answered=0)
        results = [result_of(pk, ended) for pk in range(1, count + 1)]
        record(slot, results, now=slot + timedelta(seconds=50))
    return last


if __name__ == "__main__":
    django.setup()
    print(int(write(int(sys.argv[1]), sys.argv[2:]).timestamp()))
