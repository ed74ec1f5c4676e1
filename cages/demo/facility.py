"""The generated facility: four rooms, up to thousands of cages, months of minutes, handled animals.

It is for trying and measuring pages at size. The same seed and end give the same facility. Nothing
of it is a measurement.
"""

import time as clock
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from cages.demo import places, work
from cages.demo.minutes import (
    MINUTES_A_DAY,
    NEVER,
    TAIL_DAYS,
    Codes,
    Fates,
    Story,
    code_of,
)
from cages.demo.signals import facility_loaded
from cages.history.window import Window
from cages.models import Cage, CageEvent, CageState, EventKind, Minute, Outcome, PollCycle
from cages.models.cycle import OUTCOME_COUNTS, to_ranges
from cages.polling import states
from cages.polling.recorder import record_past_codes
from cages.slots import SLOT_LENGTH, slot_of
from cages.storage.filling import keys_afterwards
from people.models import Role, User

CAGES, DAYS, SEED = 500, 90, 117
LEAST_CAGES, LEAST_DAYS = 8, 3
# One cage of so many: (of how many, which one of them).
ARCHIVED, PAUSED, LATE, SICK, DEAD = (25, 7), (50, 11), (40, 13), (60, 17), (120, 23)
SWAPPED = (5, 38)
SICK_DAYS = 3
# Neurocage was off: (after which share of the days, minutes from there, how long in minutes).
OFF = ((0.3, 130, 120), (0.62, 1000, 35), (0.85, 1300, 540))
SKIPPED = ((0.5, 600, 20), (0.9, 60, 45))
PERFECT_CONTROL, PERFECT_TREATED = 0.8, 0.58
# Minutes in one statement, so that the database needs no temporary files.
WRITTEN_AT_ONCE = 180

_CODES = np.zeros(256, dtype=np.uint8)
_CODES[[1, 2, 3]] = [Minute.BAD, Minute.OK, Minute.PERFECT]
for _outcome in set(Outcome) - {Outcome.ANSWERED}:
    _CODES[code_of(_outcome)] = Minute.of(_outcome, None)


@dataclass(frozen=True, slots=True)
class Size:
    """How large the facility is, and when its minutes end (not included)."""

    cages: int
    days: int
    end: datetime
    seed: int = SEED

    @property
    def window(self) -> Window:
        end = slot_of(self.end)
        return Window(end - timedelta(days=self.days), end)


def is_one_of(index: int, which: tuple[int, int]) -> bool:
    """Whether the cage with this number from 0 has this fate."""
    return index % which[0] == which[1]


@transaction.atomic
def load(
    owner: User,
    size: Size,
    progress: Callable[[str], object] = lambda text: None,
    password: str | None = None,
) -> list[Cage]:
    """Fill an empty database in one transaction. Returns the cages.

    progress: called with each step in words. password: of the people of places.ROLES; with None
    they cannot sign in.
    """
    began = clock.monotonic()
    people = places.make_people(owner, password)
    rooms = places.make_rooms()
    cages = places.make_cages(owner, size.window, size.cages, _starts(size))
    masks = places.give_light(rooms, cages, size.window)
    work.make_animals(cages, size.window, size.seed)
    technician = people[Role.TECHNICIAN]
    handled = work.make_marks(technician, cages, size.window, size.seed, SWAPPED)
    story = story_of(size, masks, handled)
    written = 0
    tail = np.zeros((size.cages, min(TAIL_DAYS, size.days) * MINUTES_A_DAY), dtype=np.uint8)
    with keys_afterwards(connection):
        for day, (codes, waits) in enumerate(_days_ahead(story)):
            tail = np.concatenate([tail[:, MINUTES_A_DAY:], codes], axis=1)
            written += _write_day(story, cages, day, codes, waits)
            _write_states(story, cages, day, tail)
            seconds = clock.monotonic() - began
            progress(f"day {day + 1} of {size.days}: {written:,} minutes in {seconds:.0f} s")
        progress("keys of the minutes")
    _end_some(cages, owner, story)
    work.make_study(people[Role.RESEARCHER], cages, size.window)
    progress("rounds, concerns and the last night")
    facility_loaded.send(sender=None, people=people, window=size.window, seed=size.seed)
    return cages


def _days_ahead(story: Story) -> Iterator[tuple[Codes, Codes]]:
    """Yield each day of the story; the next one is made while the database writes this one."""
    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(story.day, 0)
        for day in range(1, story.days + 1):
            made = ahead.result()
            if day < story.days:
                ahead = thread.submit(story.day, day)
            yield made


def _starts(size: Size) -> list[int]:
    """The day from which each cage is there."""
    return [size.days // 3 if is_one_of(n, LATE) else 0 for n in range(size.cages)]


def story_of(size: Size, masks: places.Masks, handled: work.Handled) -> Story:
    """What the minutes are made from."""
    chance = np.random.default_rng(size.seed)
    numbers, end = range(size.cages), size.days * MINUTES_A_DAY

    def of(which: tuple[int, int], share: float) -> np.ndarray:
        """A day of the window, in minutes, for those cages; NEVER for others."""
        day = int(size.days * share) * MINUTES_A_DAY
        return np.array([day if is_one_of(n, which) else NEVER for n in numbers])

    sick_from = max(size.days - SICK_DAYS, 0) * MINUTES_A_DAY + 400
    treated = np.array([work.is_treated(n) for n in numbers])
    fates = Fates(
        day_mask=masks.of_cage,
        later=chance.integers(-25, 26, size.cages),
        free_from=masks.free_from,
        tau=chance.normal(23.6, 0.08, size.cages) * 60,
        perfect=np.where(treated, PERFECT_TREATED, PERFECT_CONTROL)
        + chance.normal(0, 0.03, size.cages),
        starts=np.array(_starts(size)) * MINUTES_A_DAY,
        ends=np.minimum(np.minimum(of(ARCHIVED, 2 / 3), of(PAUSED, 0.8)), end),
        sick_from=np.array([sick_from if is_one_of(n, SICK) else NEVER for n in numbers]),
        dead_from=np.where(of(DEAD, 0) < NEVER, end - 1100, NEVER),
        worn_until=np.array([work.swap_minute(size.days) if n in SWAPPED else 0 for n in numbers]),
    )
    off, skipped = _spans(size, OFF), _spans(size, SKIPPED)
    start = size.window.start
    return Story(start, size.days, size.seed, fates, masks.rows, off, skipped, handled)


def _spans(size: Size, told: Iterable[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """[(from, to)] in minutes since the start."""
    firsts = [(int(size.days * share) * MINUTES_A_DAY + later, n) for share, later, n in told]
    return [(first, first + minutes) for first, minutes in firsts]


def _write_day(story: Story, cages: list[Cage], day: int, codes: Codes, waits: Codes) -> int:
    """Write the minutes of a day and the ledger of it. Returns how many minutes."""
    first = story.first_slot(day)
    asked = np.flatnonzero(codes.any(axis=1))
    pks = [cages[n].pk for n in asked]
    for minute in range(0, MINUTES_A_DAY, WRITTEN_AT_ONCE):
        # In the order of slots, as they lie where the recorder wrote them.
        part = slice(minute, minute + WRITTEN_AT_ONCE)
        told = (every[asked, part].T.tobytes() for every in (codes, waits))
        record_past_codes(first + minute * SLOT_LENGTH, pks, *told)
    counts = {
        word: (codes == code_of(outcome)).sum(axis=0)
        for outcome, word in OUTCOME_COUNTS.items()
        if outcome != Outcome.ANSWERED
    }
    planned = (codes > 0).sum(axis=0)
    counts[Outcome.ANSWERED.word] = planned - sum(counts.values())
    ids = to_ranges(sorted(pks))
    PollCycle.objects.bulk_create(
        [
            PollCycle(
                slot=(slot := first + minute * SLOT_LENGTH),
                started_at=slot,
                finished_at=slot + timedelta(seconds=4),
                duration_ms=4000,
                planned=int(planned[minute]),
                planned_ids=ids,
                **{word: int(found[minute]) for word, found in counts.items()},
            )
            for minute in range(MINUTES_A_DAY)
            if planned[minute]
        ]
    )
    return int(planned.sum())


def _write_states(story: Story, cages: list[Cage], day: int, tail: Codes) -> None:
    """Write the states of the cages whose minutes end with this day."""
    end = (day + 1) * MINUTES_A_DAY
    first = story.first_slot(day + 1) - tail.shape[1] * SLOT_LENGTH
    made = []
    for number in np.flatnonzero(story.fates.ends == end):
        places_asked = np.flatnonzero(tail[number])
        if not len(places_asked):
            continue
        outcomes = np.where(tail[number] < 10, code_of(Outcome.ANSWERED), tail[number])
        others = places_asked[outcomes[places_asked] != outcomes[places_asked[-1]]]
        run = places_asked[places_asked > others[-1]] if len(others) else places_asked
        state = CageState(
            cage=cages[number],
            outcome=Outcome(int(outcomes[places_asked[-1]]) // 10),
            outcome_slot=first + int(places_asked[-1]) * SLOT_LENGTH,
            outcome_since=first + int(run[0]) * SLOT_LENGTH,
        )
        codes = _CODES[tail[number, : places_asked[-1] + 1]].tobytes()
        states.restate(state, codes, first)
        made.append(state)
    CageState.objects.bulk_create(made)


def _end_some(cages: list[Cage], owner: User, story: Story) -> None:
    """Archive and pause the cages whose minutes ended, at that moment."""
    for number, cage in enumerate(cages):
        if story.fates.ends[number] == story.days * MINUTES_A_DAY:
            continue
        moment = story.start + int(story.fates.ends[number]) * SLOT_LENGTH
        if is_one_of(number, ARCHIVED):
            cage.archive(moment, owner)
        else:
            Cage.objects.filter(pk=cage.pk).update(is_polled=False, updated_at=moment)
            CageEvent.objects.note(EventKind.PAUSED, [cage], moment, owner)


def clock_changes(window: Window) -> list[str]:
    """The facility's days in the window on which the clock is set, as ISO dates."""
    zone = timezone.get_default_timezone()
    return [
        day.isoformat()
        for day, _part in window.days(zone)
        if Window.whole_day(day, zone).minutes != MINUTES_A_DAY
    ]
