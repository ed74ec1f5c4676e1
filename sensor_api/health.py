"""How the health of a cage's animals moves: in spells, with the day, and always the same way.

Invented, not measured: the numbers only have to look like a rodent. They are active in the dark
(mostly Perfect), rest in the light (mostly Ok), and a healthy cage is Bad seldom and for minutes.
"""

# ruff: noqa: S311  these draws simulate animals, they guard nothing

import hashlib
import random
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate

from .config import Settings, minutes_between

BAD, OK, PERFECT = VALUES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Habit:
    """How a cage spends a light or a dark phase, given for Bad, Ok and Perfect in this order."""

    weights: tuple[float, float, float]  # how readily the next spell is one of this value
    minutes: tuple[int, int, int]  # the mean length of its spells


HEALTHY_IN_THE_LIGHT = Habit(weights=(0.015, 1, 1), minutes=(12, 80, 20))
HEALTHY_IN_THE_DARK = Habit(weights=(0.015, 1, 1), minutes=(12, 25, 75))
SICK_IN_THE_LIGHT = Habit(weights=(1, 0.95, 0.05), minutes=(150, 30, 12))
SICK_IN_THE_DARK = Habit(weights=(1, 0.9, 0.1), minutes=(90, 30, 12))

# Animals do not turn with the switch: each cage follows the lights within half an hour.
LONGEST_LAG_MINUTES = 30
# A phase may be an hour longer than its clock times say, when clocks go back.
CLOCK_CHANGE_MINUTES = 60
# A cage has three or four phases in use at a time; this holds those of 2,000 cages, about 10 MB.
PHASES_KEPT = 8192


@dataclass(frozen=True, slots=True)
class Phase:
    """One light or dark phase as one cage lives it. Minutes are counted from 1970 in UTC."""

    start: int
    ends: tuple[int, ...]  # the minute, from `start`, at which each spell is over
    values: tuple[int, ...]  # each spell's health

    def at(self, minute: int) -> int:
        return self.values[bisect_right(self.ends, minute - self.start)]


class HealthModel:
    """The health of every cage there could be, at every minute.

    A pure function of the settings (seed, lights, time zone, sick cages), the cage and the minute:
    the same in any process and on any machine, whatever was asked before. Of `random` only
    `Random.random()` is used, the one method whose numbers Python promises not to change.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._phase = lru_cache(maxsize=PHASES_KEPT)(self._make_phase)

    def at(self, cage_id: int, moment: datetime) -> int:
        """1 Bad, 2 Ok or 3 Perfect in the minute of `moment` (aware)."""
        minute = int(moment.timestamp() // 60)
        today = moment.astimezone(self._settings.time_zone).date()
        begun = (
            phase
            for day in (today, today - timedelta(days=1))
            for is_light in (True, False)
            if (phase := self._phase(cage_id, day, is_light)).start <= minute
        )
        return max(begun, key=lambda phase: phase.start).at(minute)

    def _make_phase(self, cage_id: int, day: date, is_light: bool) -> Phase:
        """The light or dark phase that begins on `day`."""
        habit = self._habit(cage_id, is_light)
        switches = (self._settings.lights_on, self._settings.lights_off)
        begins, ends = switches if is_light else switches[::-1]
        # Not hash(): Python salts it anew in each process.
        phase = "light" if is_light else "dark"
        name = f"{self._settings.seed}/{cage_id}/{day.isoformat()}/{phase}"
        draw = random.Random(hashlib.blake2b(name.encode(), digest_size=16).digest()).random

        switched = datetime.combine(day, begins, tzinfo=self._settings.time_zone)
        lag = int(draw() * LONGEST_LAG_MINUTES)
        longest = minutes_between(begins, ends) + LONGEST_LAG_MINUTES + CLOCK_CHANGE_MINUTES
        lengths, values = _spells(habit, longest, draw)
        return Phase(
            start=int(switched.timestamp() // 60) + lag,
            ends=tuple(accumulate(lengths)),
            values=tuple(values),
        )

    def _habit(self, cage_id: int, is_light: bool) -> Habit:
        if cage_id in self._settings.sick_cages:
            return SICK_IN_THE_LIGHT if is_light else SICK_IN_THE_DARK
        return HEALTHY_IN_THE_LIGHT if is_light else HEALTHY_IN_THE_DARK


def _spells(habit: Habit, minutes: int, draw) -> tuple[list[int], list[int]]:
    """Lengths (minutes) and values of spells, one after the other, for more than `minutes`."""
    lengths, values = [], []
    # The first is chosen by its share of the time: it is the one met on looking in, not the next.
    weights = [weight * mean for weight, mean in zip(habit.weights, habit.minutes, strict=True)]
    left = minutes
    while left >= 0:
        value = _choose(weights, draw())
        mean = habit.minutes[value - 1]
        length = max(1, round(mean * (0.4 + 1.2 * draw())))
        lengths.append(length)
        values.append(value)
        left -= length
        weights = [
            0 if other == value else weight
            for other, weight in zip(VALUES, habit.weights, strict=True)
        ]
    return lengths, values


def _choose(weights: list[float], share: float) -> int:
    """The value at `share` (0 to below 1) of the way through the weights."""
    sums = list(accumulate(weights))
    return VALUES[min(bisect_right(sums, share * sums[-1]), len(VALUES) - 1)]
