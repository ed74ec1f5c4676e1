"""How the simulated health of a cage changes over time, always the same way for the same seed.

The numbers are invented, not measured. The animals are active in the dark (mostly Perfect) and rest
in the light (mostly Ok). A healthy cage is seldom Bad, and then for minutes.
"""

# ruff: noqa: S311  these random numbers simulate animals and protect nothing

import hashlib
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate

from .config import Settings, minutes_between

BAD, OK, PERFECT = VALUES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Habit:
    """How a cage spends a light or dark phase. Each field holds values for Bad, Ok and Perfect."""

    weights: tuple[float, float, float]  # relative probability that the next spell has this value
    minutes: tuple[int, int, int]  # mean length of such a spell


HEALTHY_IN_THE_LIGHT = Habit(weights=(0.015, 1, 1), minutes=(12, 80, 20))
HEALTHY_IN_THE_DARK = Habit(weights=(0.015, 1, 1), minutes=(12, 25, 75))
SICK_IN_THE_LIGHT = Habit(weights=(1, 0.95, 0.05), minutes=(150, 30, 12))
SICK_IN_THE_DARK = Habit(weights=(1, 0.9, 0.1), minutes=(90, 30, 12))

# Each cage follows the lights with its own delay.
LONGEST_LAG_MINUTES = 30
# When clocks go back, a phase is an hour longer than its clock times say.
CLOCK_CHANGE_MINUTES = 60
# A cage uses three or four phases at a time. This keeps those of 2,000 cages, in about 10 MB.
PHASES_KEPT = 8192


@dataclass(frozen=True, slots=True)
class Phase:
    """One light or dark phase of one cage."""

    start: int  # minutes since 1970-01-01 00:00 UTC
    ends: tuple[int, ...]  # when each spell ends, in minutes after `start`
    values: tuple[int, ...]  # the health in each spell

    def at(self, minute: int) -> int:
        """Health in this minute, counted from 1970."""
        return self.values[bisect_right(self.ends, minute - self.start)]


class HealthModel:
    """The health of any cage at any minute.

    It depends only on the settings (seed, lights, time zone, sick cages), the cage and the minute,
    so it is the same in every process and on every machine. Of `random` only `Random.random()` is
    used, because Python promises the same numbers of no other method for the same seed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._phase = lru_cache(maxsize=PHASES_KEPT)(self._make_phase)

    def at(self, cage_id: int, moment: datetime) -> int:
        """Health in the minute of `moment` (an aware datetime): 1 Bad, 2 Ok or 3 Perfect."""
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
        # hash() gives other numbers in each process.
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


def _spells(habit: Habit, minutes: int, draw: Callable[[], float]) -> tuple[list[int], list[int]]:
    """Lengths (in minutes) and values of consecutive spells that last longer than `minutes`."""
    lengths: list[int] = []
    values: list[int] = []
    # The first spell is already under way when the phase begins, so long ones are more probable.
    weights: list[float] = [
        weight * mean for weight, mean in zip(habit.weights, habit.minutes, strict=True)
    ]
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
    """The value at this share (0 to below 1) of the sum of the weights."""
    sums = list(accumulate(weights))
    return VALUES[min(bisect_right(sums, share * sums[-1]), len(VALUES) - 1)]
