"""The demonstration: 12 cages in 2 racks with 14 days of invented minutes, and the light on from 7.

Two cages are sick, one sensor has been dead since yesterday afternoon, and Neurocage itself was
off for two hours. `sensor_api_env` tells the sensor simulator to go on with the same story.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta, tzinfo
from itertools import takewhile
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cages.history.window import midnight_of
from cages.models import (
    Cage,
    CageState,
    Health,
    LightPeriod,
    LightSchedule,
    Minute,
    Outcome,
    Places,
    PollCycle,
)
from cages.models.cycle import OUTCOME_COUNTS, to_ranges
from cages.polling import states
from cages.polling.recorder import record_past
from cages.polling.results import PollResult
from cages.slots import SLOT_LENGTH, slot_of
from neurocage.ids import advance_ids
from people.models import User

Choice = TypeVar("Choice", Health, Outcome)
Ledger = dict[datetime, Counter[Outcome]]

DAYS = 14
SEED = 117
SICK = {3: timedelta(days=2), 8: timedelta(hours=9)}  # cage id: since how long before now
DEAD = 11
OUTAGE = (timedelta(hours=7), timedelta(hours=5))  # from, to: before now
# The hours in which the lights go on and off, facility time.
LIGHTS = (7, 19)
STRAINS = ["C57BL/6J", "PV-Cre", "BALB/c", "Long-Evans rat", "5xFAD", "Thy1-GCaMP6"]
LABELS = ["colony", "breeding pair", "cohort", "surgery recovery", "ageing"]

# The probability that health changes in a minute, and the weights of what it changes to.
CHANGE = 0.03
DARK = {Health.PERFECT: 80, Health.OK: 18, Health.BAD: 2}
LIGHT = {Health.PERFECT: 25, Health.OK: 72, Health.BAD: 3}
SICK_WEIGHTS = {Health.OK: 4, Health.BAD: 96}
OUTCOMES = {Outcome.ANSWERED: 748, Outcome.UNAVAILABLE: 249, Outcome.TIMEOUT: 3}


def sensor_api_env() -> dict[str, str]:
    """Settings of the sensor simulator with which live answers continue the invented ones."""
    return {
        "SENSOR_SICK_CAGES": ",".join(str(number) for number in SICK),
        "SENSOR_FAULTS": f"{DEAD}=refuse",
        "SENSOR_TIME_ZONE": settings.FACILITY_TIME_ZONE,
    }


def load(
    owner: User, now: datetime, progress: Callable[[str], object] = lambda text: None
) -> list[Cage]:
    """Fill an empty database. Returns the new cages. progress: called with each step in words."""
    cages = _make_cages(owner, now)
    last = slot_of(now) - timedelta(minutes=1)
    slots = [last - timedelta(minutes=m) for m in range(DAYS * 24 * 60 - 1, -1, -1)]
    slots = [slot for slot in slots if not now - OUTAGE[0] <= slot < now - OUTAGE[1]]
    ledger: Ledger = {slot: Counter() for slot in slots}
    for cage in cages:
        progress(f"{DAYS} days of minutes: cage {cage.pk} of {len(cages)}")
        minutes = list(_minutes(cage.pk, slots, now))
        record_past(minutes)
        _write_state(cage, minutes, slots[0])
        for slot, result in minutes:
            ledger[slot][result.outcome] += 1
    progress("The ledger of those days")
    _write_cycles(ledger, cages)
    return cages


@transaction.atomic
def _make_cages(owner: User, now: datetime) -> list[Cage]:
    cages = []
    places = Places([("R2", "A"), ("R2", "B")])
    for index in range(12):
        strain = STRAINS[index % len(STRAINS)]
        cage = Cage(
            # SICK and DEAD name cages by id, so the database must not choose the ids.
            id=index + 1,
            label=f"{strain} {LABELS[index % len(LABELS)]} {index // len(LABELS) + 1}",
            owner=owner,
            strain=strain,
            animal_count=2 + index % 4,
            created_at=now - timedelta(days=DAYS),
        )
        room, rack = places.find("R2", "A" if index < 6 else "B")
        cage.stand_in(room, rack, "ABC"[index % 6 // 2], index % 2 + 1)
        cage.full_clean()
        cage.save(force_insert=True)
        cages.append(cage)
    advance_ids(Cage)
    _light_the_rooms(cages, owner)
    return cages


def _light_the_rooms(cages: list[Cage], owner: User) -> None:
    on, off = (time(hour) for hour in LIGHTS)
    schedule = LightSchedule.objects.create(
        name=f"12:12 from {on:%H:%M}", lights_on=on, lights_off=off
    )
    since = min(cage.created_at for cage in cages)
    midnight = midnight_of(timezone.localtime(since).date(), timezone.get_default_timezone())
    LightPeriod.objects.bulk_create(
        LightPeriod(
            room_id=room, schedule=schedule, starts_at=midnight, noted_at=since, noted_by=owner
        )
        for room in {cage.room_id for cage in cages}
    )


def _minutes(
    cage_id: int, slots: list[datetime], now: datetime
) -> Iterator[tuple[datetime, PollResult]]:
    chance = random.Random(SEED * 1000 + cage_id)  # noqa: S311  (a story, not a secret)
    zone = timezone.get_default_timezone()
    yesterday = (now.astimezone(zone) - timedelta(days=1)).date()
    died_at = datetime.combine(yesterday, time(16, 40), tzinfo=zone)
    status = Health.OK
    for slot in slots:
        if chance.random() < CHANGE:
            status = _pick(chance, _weights(cage_id, slot, now, zone))
        if cage_id == DEAD and slot >= died_at:
            detail = "Connection reset by peer"
            yield slot, PollResult(cage_id, Outcome.CONNECTION_ERROR, 2, detail=detail)
            continue
        outcome = _pick(chance, OUTCOMES)
        latency_ms = chance.randint(1000, 3000)
        if outcome == Outcome.TIMEOUT:
            yield slot, PollResult(cage_id, outcome, 10_000)
        elif outcome == Outcome.UNAVAILABLE:
            yield slot, PollResult(cage_id, outcome, latency_ms, 503)
        else:
            yield slot, PollResult(cage_id, outcome, latency_ms, 200, status)


def _weights(cage_id: int, slot: datetime, now: datetime, zone: tzinfo) -> dict[Health, int]:
    if cage_id in SICK and slot > now - SICK[cage_id]:
        return SICK_WEIGHTS
    # Rodents are active in the dark.
    return LIGHT if LIGHTS[0] <= slot.astimezone(zone).hour < LIGHTS[1] else DARK


def _pick(chance: random.Random, weights: dict[Choice, int]) -> Choice:
    return chance.choices(list(weights), weights=list(weights.values()))[0]


def _write_state(cage: Cage, minutes: list[tuple[datetime, PollResult]], first: datetime) -> None:
    outcomes = [(slot, result.outcome) for slot, result in minutes]
    last, outcome = outcomes[-1]
    last_run = takewhile(lambda pair: pair[1] == outcome, reversed(outcomes))
    since = min(slot for slot, _outcome in last_run)
    state = CageState(cage=cage, outcome=outcome, outcome_slot=last, outcome_since=since)
    codes = bytearray((last - first) // SLOT_LENGTH + 1)
    for slot, result in minutes:
        codes[(slot - first) // SLOT_LENGTH] = Minute.of(result.outcome, result.status)
    states.restate(state, bytes(codes), first)
    state.save(force_insert=True)


def _write_cycles(ledger: Ledger, cages: list[Cage]) -> None:
    ids = to_ranges([cage.pk for cage in cages])
    cycles = [
        PollCycle(
            slot=slot,
            started_at=slot,
            finished_at=slot + timedelta(seconds=4),
            duration_ms=4000,
            planned=len(cages),
            planned_ids=ids,
            **{OUTCOME_COUNTS[outcome]: count for outcome, count in counts.items()},
        )
        for slot, counts in ledger.items()
    ]
    PollCycle.objects.bulk_create(cycles, batch_size=2000)
