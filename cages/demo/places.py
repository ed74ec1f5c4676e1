"""The rooms, racks, cages and light of the generated facility."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from cages.demo.minutes import MINUTES_A_DAY, NEVER
from cages.history.light import LightPhase, phases_of, runs_of
from cages.history.window import DAY, Window
from cages.models import Cage, LightPeriod, LightSchedule, Places, Room
from cages.models.light import Regime
from people.models import Lab, Membership, Role, User
from people.models.lab import DEFAULT_CAGE_LIMIT

# The usual light; reversed by a timer that ignores summer time; light that is later from a day on;
# constant dark from a day on.
USUAL, REVERSED, SHIFTED, DARK = ROOMS = ("R1 usual", "R2 reversed", "R3 shifted", "R4 dark")
ROLES = (Role.TECHNICIAN, Role.RESEARCHER, Role.VET)
RACK_ROWS, RACK_COLUMNS = "ABCDEFGH", 6
STRAINS = ("C57BL/6J", "PV-Cre", "BALB/c", "5xFAD", "Thy1-GCaMP6")
# After which share of the days.
SHIFT_AFTER, DARK_AFTER = 0.5, 0.25
SHIFT_HOURS = 6
# Animals follow a shifted day by so much a day.
FOLLOW_MINUTES = 60
# One cage of the usual room of so many has long days.
LONG_DAY_OF = 12


@dataclass(frozen=True, slots=True)
class Masks:
    """rows: when animals are active, one row for each kind of day (see Story.masks). of_cage: the
    row of each cage. free_from: the minute from which it follows its own clock."""

    rows: NDArray[np.uint8]
    of_cage: NDArray[np.int64]
    free_from: NDArray[np.int64]


def room_number(index: int, count: int) -> int:
    """The room of the cage with this number from 0."""
    return index * len(ROOMS) // count


def make_people(owner: User, password: str | None) -> dict[Role, User]:
    """A person of the owner's lab for each of ROLES, who is named as the role."""
    people = {}
    for role in ROLES:
        people[role] = User.objects.create_user(role.value, password=password)
        Membership.objects.create(person=people[role], lab=owner.own_lab, role=role)
    return people


def make_rooms() -> list[Room]:
    return [Room.objects.create(name=name) for name in ROOMS]


def make_cages(owner: User, window: Window, count: int, starts: list[int]) -> list[Cage]:
    """The cages, each in a bay of its own. starts: the day from which each is there."""
    per_rack = len(RACK_ROWS) * RACK_COLUMNS
    first_of_room = [-(-room * count // len(ROOMS)) for room in range(len(ROOMS))]
    places, cages = Places([(room, "") for room in ROOMS]), []
    for index in range(count):
        number = room_number(index, count)
        rack, bay = divmod(index - first_of_room[number], per_rack)
        shelf, column = divmod(bay, RACK_COLUMNS)
        cage = Cage(
            label=f"G{index + 1:04}",
            owner=owner,
            strain=STRAINS[index % len(STRAINS)],
            animal_count=1 + index % 3,
            created_at=window.start + timedelta(days=starts[index]),
        )
        place = places.find(ROOMS[number], f"{number + 1}-{rack + 1:02}")
        cage.stand_in(*place, RACK_ROWS[shelf], column + 1)
        cages.append(cage)
    Places.keep(cages)
    Cage.objects.bulk_create(cages, batch_size=2000)
    full = Lab.objects.filter(pk=cages[0].lab_id, cage_limit__lte=count)
    full.update(cage_limit=count + DEFAULT_CAGE_LIMIT)
    return cages


def give_light(rooms: list[Room], cages: list[Cage], window: Window) -> Masks:
    """Note the light of the rooms and of some cages, and tell when the animals are active."""
    usual = _schedule("12:12 from 07:00", time(7), time(19))
    turned = _schedule("Reversed, timer on winter time", time(19), time(7), utc_offset_minutes=60)
    later = _schedule("12:12 from 13:00", time(7 + SHIFT_HOURS), time((19 + SHIFT_HOURS) % 24))
    dark = LightSchedule.objects.create(name="Constant dark", regime=Regime.DARK)
    long_day = _schedule("16:8 long days", time(5), time(21))
    days = window.minutes // MINUTES_A_DAY
    shift, dark_from = int(days * SHIFT_AFTER), int(days * DARK_AFTER)
    before = window.start - DAY
    of_room = dict(zip(ROOMS, rooms, strict=True))
    periods = [
        _period(of_room[USUAL], usual, before),
        _period(of_room[REVERSED], turned, before),
        _period(of_room[SHIFTED], usual, before),
        _period(of_room[SHIFTED], later, window.start + shift * DAY),
        _period(of_room[DARK], usual, before),
        _period(of_room[DARK], dark, window.start + dark_from * DAY),
    ]
    long_days = [n for n in range(len(cages)) if _has_long_days(n, len(cages))]
    own = [
        LightPeriod(
            cage=cages[n], schedule=long_day, starts_at=cages[n].created_at, noted_at=before
        )
        for n in long_days
    ]
    LightPeriod.objects.bulk_create(periods + own)
    base = [_active(periods[number], window) for number in (0, 1, 2, 4)]
    base[2] = _following(base[2], (1 + shift) * MINUTES_A_DAY)
    base.append(_active(LightPeriod(schedule=long_day, starts_at=before), window))
    of_cage = np.array(
        [4 if n in set(long_days) else room_number(n, len(cages)) for n in range(len(cages))]
    )
    # The first lights off that do not come: from there the animals follow their own clocks.
    free = int(
        np.flatnonzero(np.diff(base[3][(1 + dark_from) * MINUTES_A_DAY :].astype(int)) > 0)[0]
    )
    is_free = of_cage == ROOMS.index(DARK)
    free_from = np.where(is_free, dark_from * MINUTES_A_DAY + free + 1, NEVER)
    return Masks(np.array(base), of_cage, free_from)


def _has_long_days(index: int, count: int) -> bool:
    return ROOMS[room_number(index, count)] == USUAL and index % LONG_DAY_OF == 3


def _schedule(
    name: str, on: time, off: time, utc_offset_minutes: int | None = None
) -> LightSchedule:
    return LightSchedule.objects.create(
        name=name, lights_on=on, lights_off=off, utc_offset_minutes=utc_offset_minutes
    )


def _period(room: Room, schedule: LightSchedule, since: datetime) -> LightPeriod:
    return LightPeriod(room=room, schedule=schedule, starts_at=since, noted_at=since)


def _active(period: LightPeriod, window: Window) -> NDArray[np.uint8]:
    """1 for each dark minute by the period, from a day before the window to a day after it."""
    around = Window(window.start - DAY, window.end + DAY)
    phases = np.frombuffer(phases_of(runs_of(period, around)), dtype=np.uint8)
    return (phases == LightPhase.DARK).astype(np.uint8)


def _following(active: NDArray[np.uint8], first: int) -> NDArray[np.uint8]:
    """The same, from the minute `first` on later by FOLLOW_MINUTES a day up to SHIFT_HOURS."""
    minutes = np.arange(len(active))
    days = np.maximum(minutes - first, 0) // MINUTES_A_DAY + (minutes >= first)
    return active[minutes - np.minimum(days * FOLLOW_MINUTES, SHIFT_HOURS * 60)]
