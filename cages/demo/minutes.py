"""The invented minutes of the facility, a day of all cages at a time.

Memory is bounded by the days of `TAIL_DAYS`: nothing older is kept once it is written.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cages.models import Health, Outcome

Numbers = NDArray[np.int64]
Shares = NDArray[np.float64]
Codes = NDArray[np.uint8]

MINUTES_A_DAY = 1440
# The state of a cage is told from this many of its last days.
TAIL_DAYS = 14
# Never reached: a fate that does not happen.
NEVER = 2**40
# The probability that health changes in a minute.
CHANGE = 0.1
BAD, BAD_HANDLED, BAD_SICK = 0.02, 0.35, 0.95
PERFECT_AT_REST, PERFECT_HANDLED, PERFECT_SICK = 0.22, 0.08, 0.01
ANSWERED, ANSWERED_WORN, TIMEOUTS = 0.748, 0.3, 0.003
ACTIVE_HOURS = 12
# The animals are disturbed for so long after handling.
DISTURBED_MINUTES = 50


def code_of(outcome: Outcome) -> int:
    """The code of a poll that ended without a reading, as `record_past_codes` reads it."""
    return 10 * outcome


@dataclass(slots=True)
class Fates:
    """What happens to each cage: arrays with one number a cage; times in minutes since the start.

    day_mask: the row of `Story.masks` that its animals follow. later: by how many minutes they are
    later than its edge. free_from: when they begin to follow their own clock of `tau` minutes.
    perfect: the share of Perfect while they are active. starts, ends: between which the cage is
    asked. sick_from, dead_from: from when it is Bad, or its sensor dead. worn_until: until when its
    sensor answers badly.
    """

    day_mask: Numbers
    later: Numbers
    free_from: Numbers
    tau: Shares
    perfect: Shares
    starts: Numbers
    ends: Numbers
    sick_from: Numbers
    dead_from: Numbers
    worn_until: Numbers


@dataclass(slots=True)
class Story:
    """All that the minutes are made from.

    masks: for each kind of day, 1 for each minute in which its animals are active, from a day
    before the start to a day after the end. off, skipped: [(from, to)] in minutes, in which nobody
    asked, or a third of the polls were skipped. handled: {day: [(cage, minute of the day)]}.
    """

    start: datetime
    days: int
    seed: int
    fates: Fates
    masks: Codes
    off: list[tuple[int, int]]
    skipped: list[tuple[int, int]]
    handled: dict[int, list[tuple[int, int]]]
    _health: Codes | None = field(default=None, init=False)

    def first_slot(self, day: int) -> datetime:
        return self.start + timedelta(days=day)

    def day(self, number: int) -> tuple[Codes, Codes]:
        """(codes, waits) of a day: arrays of (cages, MINUTES_A_DAY). Days are asked for in order.

        The same seed gives the same minutes.
        """
        fates = self.fates
        chance = np.random.default_rng([self.seed, number])
        count = len(fates.tau)
        shape = (count, MINUTES_A_DAY)
        minutes = number * MINUTES_A_DAY + np.arange(MINUTES_A_DAY)
        at = np.broadcast_to(minutes, shape)
        follows = self.masks[fates.day_mask[:, None], at - fates.later[:, None] + MINUTES_A_DAY]
        own = (at - fates.free_from[:, None]) % fates.tau[:, None] < ACTIVE_HOURS * 60
        active = np.where(at >= fates.free_from[:, None], own, follows > 0)

        perfect = np.where(active, fates.perfect[:, None], PERFECT_AT_REST)
        bad = np.full(shape, BAD)
        for cage, minute in self.handled.get(number, ()):
            until = minute + DISTURBED_MINUTES
            bad[cage, minute:until], perfect[cage, minute:until] = BAD_HANDLED, PERFECT_HANDLED
        sick = at >= fates.sick_from[:, None]
        bad[sick], perfect[sick] = BAD_SICK, PERFECT_SICK

        health = self._healths(chance, bad, perfect)
        codes = self._outcomes(chance, health, at)
        return codes, chance.integers(0, 251, shape, dtype=np.uint8)

    def _healths(self, chance: np.random.Generator, bad: Shares, perfect: Shares) -> Codes:
        """What a sensor would say: it changes now and then, and stays for a while."""
        shape = bad.shape
        changes = chance.random(shape) < CHANGE
        pick = chance.random(shape)
        new = np.full(shape, int(Health.OK), dtype=np.uint8)
        new[pick < bad + perfect] = Health.PERFECT
        new[pick < bad] = Health.BAD
        if self._health is None:
            changes[:, 0] = True
        else:
            new[:, 0] = np.where(changes[:, 0], new[:, 0], self._health)
        places = np.where(changes, np.arange(shape[1]), 0)
        health = np.take_along_axis(new, np.maximum.accumulate(places, axis=1), axis=1)
        self._health = health[:, -1].copy()
        return health

    def _outcomes(self, chance: np.random.Generator, health: Codes, at: Numbers) -> Codes:
        fates = self.fates
        pick = chance.random(health.shape)
        answered = np.where(at < fates.worn_until[:, None], ANSWERED_WORN, ANSWERED)
        codes = np.where(pick < answered, health, np.uint8(code_of(Outcome.UNAVAILABLE)))
        codes[pick >= 1 - TIMEOUTS] = code_of(Outcome.TIMEOUT)
        codes[at >= fates.dead_from[:, None]] = code_of(Outcome.CONNECTION_ERROR)
        for first, end in self.skipped:
            inside = (at >= first) & (at < end)
            codes[inside & (chance.random(health.shape) < 1 / 3)] = code_of(Outcome.SKIPPED)
        for first, end in self.off:
            codes[(at >= first) & (at < end)] = 0
        codes[(at < fates.starts[:, None]) | (at >= fates.ends[:, None])] = 0
        return codes
