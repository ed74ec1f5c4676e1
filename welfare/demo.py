"""The welfare part of the generated facility: rounds, what was seen on them, and the last night."""

import uuid
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from cages.history.light import dark_phases, light_of_rooms
from cages.history.window import DAY, Window
from cages.models import Cage, PollCycle
from cages.slots import SLOT_LENGTH
from people.models import Role, User
from welfare import desk, judge
from welfare.eyes_on import SATURDAY
from welfare.models import Finding, Look, LookResult, NightSheet, Reason, Round
from welfare.night.facts import facts_of
from welfare.night.making import LOOKED_BACK, MADE_AFTER
from welfare.rounds import WHY_SKIPPED

BEGINS_AT, WEEKEND_BEGINS_AT = time(8, 10), time(10, 0)
# Of one room after the other, and of one cage after the other.
ROOM_LATER, CAGE_LATER = timedelta(minutes=25), timedelta(seconds=11)
# The share of rounds at weekends that nobody made.
MISSED = 0.3
RESULTS = [LookResult.FINE, LookResult.CONCERN, LookResult.SKIPPED, None]
CHANCES = [0.981, 0.001, 0.006, 0.012]
# What the vet found in such a share of cases, and how long after the look.
FINDINGS = [Finding.NORMAL, Finding.BEDDING, Finding.SICK, Finding.HANDLING]
FINDING_CHANCES = [0.55, 0.2, 0.15, 0.1]
OPENED_AFTER, FOUND_AFTER = timedelta(hours=1), timedelta(hours=2)
LOOKS_AT_ONCE = 2000


def add_to_facility(people: dict[Role, User], window: Window, seed: int, **kwargs: Any) -> None:
    """Add it. The same seed and the same window give the same."""
    chance = np.random.default_rng([seed, 3])
    with transaction.atomic():
        _make_rounds(people[Role.TECHNICIAN], window, chance)
        _answer(people[Role.VET], window, chance)
        _make_sheets(window.end)
    newest = PollCycle.objects.order_by("-slot").values_list("slot", flat=True).first()
    if newest:
        # The second one judges all minutes after the first one.
        for slot in (newest - (judge.CAUGHT_UP - 1) * SLOT_LENGTH, newest):
            judge.judge(slot, window.end)


def _make_rounds(person: User, window: Window, chance: np.random.Generator) -> None:
    """The rounds of each day, from one room to the next, and their looks."""
    housed = Cage.objects.exclude(room=None).select_related("room", "rack").order_by("room", "pk")
    rooms = [list(cages) for _room, cages in groupby(housed, attrgetter("room_id"))]
    looks: list[Look] = []
    for day, _part in window.days():
        for begun_at, cages in _planned(day, rooms, chance):
            there = [c for c in cages if _is_there(c, begun_at)]
            last = begun_at + len(there) * CAGE_LATER
            if not there or begun_at < window.start or last > window.end:
                continue
            one = Round.objects.create(
                room_id=there[0].room_id or 0,
                person=person,
                by=person.get_username(),
                begun_at=begun_at,
                ended_at=last,
                end_noted_at=last,
                came_of={"cages": [cage.pk for cage in there]},
            )
            looks += _looks(one, there, person, chance)
    Look.objects.bulk_create(looks, batch_size=LOOKS_AT_ONCE)


def _planned(
    day: date, rooms: list[list[Cage]], chance: np.random.Generator
) -> Iterator[tuple[datetime, list[Cage]]]:
    """When a round of which cages begins on a day."""
    is_weekend = day.weekday() >= SATURDAY
    clock = WEEKEND_BEGINS_AT if is_weekend else BEGINS_AT
    first = datetime.combine(day, clock, timezone.get_default_timezone())
    for number, cages in enumerate(rooms):
        is_missed = chance.random() < MISSED
        if not (is_weekend and is_missed):
            yield first + number * ROOM_LATER, cages


def _is_there(cage: Cage, moment: datetime) -> bool:
    return cage.created_at <= moment and not (cage.archived_at and cage.archived_at <= moment)


def _looks(
    one: Round, cages: list[Cage], person: User, chance: np.random.Generator
) -> Iterator[Look]:
    """A look at each cage, but for those that the person left out."""
    results = chance.choice(len(RESULTS), len(cages), p=CHANCES)
    reasons = chance.integers(0, len(WHY_SKIPPED), len(cages))
    keys = chance.integers(0, 256, (len(cages), 16), dtype=np.uint8)
    for number, cage in enumerate(cages):
        result = RESULTS[results[number]]
        if result is None:
            continue
        at = one.begun_at + number * CAGE_LATER
        yield Look(
            key=uuid.UUID(bytes=keys[number].tobytes()),
            cage=cage,
            round=one,
            at=at,
            result=result,
            why=str(WHY_SKIPPED[reasons[number]]) if result == LookResult.SKIPPED else "",
            person=person,
            by=person.get_username(),
            noted_at=at,
        )


def _answer(vet: User, window: Window, chance: np.random.Generator) -> None:
    """The vet opens a concern of what was seen, takes care of it and says what was found.

    What was seen on the last day waits for whoever signs in.
    """
    seen = Look.objects.unopened().filter(at__lt=window.end - DAY).select_related("cage")
    for look in seen.order_by("at", "pk"):
        opened_at = look.at + OPENED_AFTER
        concern = desk.open_by_hand(look.cage, vet, "Seen on a round.", opened_at, tells=False)
        # Opening takes later looks at the cage too, which were not made by then.
        later = Look.objects.filter(cage=look.cage, at__gt=opened_at)
        later.exclude(concern=None).update(concern=None)
        desk.acknowledge(concern.pk, vet, Reason.ON_MY_WAY, "", opened_at)
        finding = FINDINGS[chance.choice(len(FINDINGS), p=FINDING_CHANCES)]
        desk.find(concern.pk, vet, finding, "", look.at + FOUND_AFTER)


def _make_sheets(now: datetime) -> None:
    """The sheet of the last night of each room, as it was made then. Nobody is told."""
    rooms = Cage.objects.active().exclude(room=None).order_by().values_list("room", flat=True)
    light = light_of_rooms(set(rooms), Window(now - LOOKED_BACK, now))
    for room_id, runs in light.items():
        for span in dark_phases(runs, 1):
            NightSheet.objects.create(
                room_id=room_id,
                begins_at=span.start,
                ends_at=span.end,
                made_at=span.end + MADE_AFTER,
                facts=facts_of(room_id, span),
            )
