"""What judging one slot costs: CPU seconds of this process and of the database's.

States are made of random minutes: 3 of 4 polls are answered, each health as often as the others. No
cage of these is Bad for long, so that the first figures are those of a usual minute. The second
ones are those of minutes with `--open` concerns that last and `--new` ones that begin in each.
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
    parser.add_argument("--open", type=int, default=2000)
    parser.add_argument("--new", type=int, default=200)
    parser.add_argument("--marks", type=int, default=0, help="of each of the last 8 days")
    arguments = parser.parse_args()
    with years.database("postgresql"):
        from django.utils import timezone

        from cages.slots import slot_of
        from welfare.models import Concern, JudgedSlot

        years.make_cages(arguments.cages)
        slot = slot_of(timezone.now())
        _make_states(slot)
        _make_marks(arguments.marks, slot)
        _measure("a usual minute", slot, arguments.slots)
        Concern.objects.all().delete()
        JudgedSlot.objects.all().delete()
        _fall_ill(arguments.open, arguments.new, arguments.slots)
        _measure(f"{arguments.open} open, {arguments.new} new", slot, arguments.slots)


def _measure(what, slot, slots):
    from django.db import connection
    from django.utils import timezone

    from welfare import judge
    from welfare.models import Concern

    backend = psutil.Process(connection.connection.info.backend_pid)
    here, there, raised = [], [], []
    # The states stay as they are, so each earlier slot has one known minute less.
    for back in range(slots, -1, -1):
        began, before = _cpu(backend), Concern.objects.count()
        judge.judge(slot - timedelta(minutes=back), timezone.now())
        ended = _cpu(backend)
        here.append(ended[0] - began[0])
        there.append(ended[1] - began[1])
        raised.append(Concern.objects.count() - before)
    # The first minute raises all that is open in the others.
    print(f"{what}: raised at first {raised[0]} with {here[0]:.2f} and {there[0]:.2f} CPU s")
    print(f"  then {min(raised[1:])} to {max(raised[1:])} a minute")
    for who, each in (("judge", here[1:]), ("database", there[1:])):
        print(f"  {who}: median {median(each):.2f} CPU s a slot, at most {max(each):.2f}")


def _cpu(backend):
    return cpu_seconds(psutil.Process()), cpu_seconds(backend)


def _fall_ill(lasting, new, slots):
    """Let so many cages be Bad all the time, and so many more begin in each of the last slots."""
    from cages.models import CageState
    from welfare.rules.parameters import BadLong

    rule = BadLong()
    needed = -(-rule.window_minutes * rule.share_percent // 100)
    ids = list(CageState.objects.order_by("pk").values_list("pk", flat=True))
    CageState.objects.filter(pk__in=ids[:lasting]).update(minutes="1" * KEPT)
    for back in range(slots):
        first = lasting + back * new
        ill = "1" * (needed + back)
        of_group = CageState.objects.filter(pk__in=ids[first : first + new])
        of_group.update(minutes=ill.rjust(KEPT, "2"))


def _make_marks(count, slot):
    """So many of each of the last days, spread over the day: 98 of 100 of cages, 2 of rooms."""
    from cages.models import Cage, Mark, MarkKind, Room

    if not count:
        return
    chance = random.Random(19)
    kind = MarkKind.objects.get(code="cage_change")
    cages = list(Cage.objects.values_list("pk", flat=True))
    rooms = [Room.objects.create(name=f"Marks {number}").pk for number in range(5)]
    for number, room in enumerate(rooms):
        # 1,000 cages in each.
        some = cages[number * 1000 : (number + 1) * 1000]
        Cage.objects.filter(pk__in=some).update(room=room)
    marks = []
    for _ in range(count * 8):
        at = slot - timedelta(minutes=chance.randrange(8 * 24 * 60))
        room = chance.choice(rooms) if chance.random() < 0.02 else None
        place = {"room_id": room} if room else {"cage_id": chance.choice(cages)}
        marks.append(Mark(kind=kind, starts_at=at, ends_at=at, noted_at=at, by="bench", **place))
    Mark.objects.bulk_create(marks, batch_size=BATCH)


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
