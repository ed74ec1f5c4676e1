"""How many false concerns a day a rule "Bad for long" raises by chance alone.

Each minute is taken to be independent of the others: not known with the facility's share of missing
minutes, else Bad with its share of Bad. Animals are not like that: their spells last. The back-test
tells what a rule does to them. This tells what misreadings and gaps do to the rule.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import comb, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.cache import cache
from django.db.models import Count, Sum
from redis.exceptions import RedisError

from cages.history.chance import USUAL_SHARE
from cages.models import Cage, PollHourly
from welfare.rules.parameters import UNSEEN_MINUTES, BadLong
from welfare.rules.sample import evenly
from welfare.rules.share_of_window import below_bad, conditions, least_bad

DAY_MINUTES = 24 * 60
FACILITY_DAYS = 7
# The shares are those of so many cages at most, from all parts of the list. Without TimescaleDB the
# hours are counted from the minutes, which would take 18 s for 500 cages.
SHARES_CAGES = 20
SHARES_KEPT_SECONDS = 3600
# Without any minutes of its own, a facility is reckoned with readings that are Bad, Ok or Perfect
# by pure chance.
USUAL_BAD = 1 / 3
# 3 to this power are the windows that the chain goes through: 59,049 take 0.3 s.
LONGEST_EXACT = 10
# The windows that are drawn, and their seed: the same question has the same answer.
DRAWN, SEED = 20_000, 17
# How far back a drawn window is followed, so many minutes in each step.
STEP_MINUTES, STEPS_AT_MOST = 30, 40
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shares:
    """bad: the share of known readings that are Bad. missing: the share of minutes not known.

    known, asked: how many readings and requests they are of; both are 0 where they are assumed.
    cages: how many cages the requests were of.
    """

    bad: float = USUAL_BAD
    missing: float = 1 - USUAL_SHARE
    known: int = 0
    asked: int = 0
    cages: int = 0

    @property
    def is_assumed(self) -> bool:
        return not self.known


@dataclass(frozen=True, slots=True)
class Rate:
    """False concerns of one cage in a day.

    error: the standard error of a simulation; None where the rate is exact.
    """

    a_day: float
    error: float | None = None

    @property
    def is_exact(self) -> bool:
        return self.error is None

    def of(self, cages: int) -> "Rate":
        """The rate of so many cages together."""
        return Rate(self.a_day * cages, None if self.error is None else self.error * cages)


def facility_shares(now: datetime) -> Shares:
    """The shares of the facility's last FACILITY_DAYS up to the hour; two queries, once an hour.

    Minutes that were not watched do not count as missing: they come as a block, not by chance.
    """
    end = now.replace(minute=0, second=0, microsecond=0)
    key = f"facility-shares:{end:%Y-%m-%dT%H}"
    try:
        kept = cache.get(key)
        if kept is not None:
            return Shares(**json.loads(kept))
        shares = _facility_shares(end)
        cache.set(key, json.dumps(asdict(shares)), SHARES_KEPT_SECONDS)
    except (RedisError, TypeError, ValueError):
        # Redis is away, or something else has written there.
        return _facility_shares(end)
    return shares


def _facility_shares(end: datetime) -> Shares:
    start = end - timedelta(days=FACILITY_DAYS)
    ids = list(Cage.objects.polled().order_by("pk").values_list("pk", flat=True))
    hours = PollHourly.objects.within(evenly(ids, SHARES_CAGES), start, end)
    sums = hours.aggregate(
        planned=Sum("planned"),
        skipped=Sum("skipped"),
        answered=Sum("answered"),
        bad_readings=Sum("bad"),
        cages=Count("cage", distinct=True),
    )
    asked = (sums["planned"] or 0) - (sums["skipped"] or 0)
    known = sums["answered"] or 0
    if not known:
        return Shares()
    return Shares(sums["bad_readings"] / known, 1 - known / asked, known, asked, sums["cages"])


def rate_of(rule: BadLong, bad: float, missing: float) -> Rate:
    """The rate where a minute is missing, and a reading Bad, with these probabilities.

    Exact for a window of up to LONGEST_EXACT minutes. For a longer one, how often the share is
    reached is exact; how many of these minutes belong to one concern is found by drawing windows.
    Under 1 s.
    """
    # Shares of millions of readings do not differ beyond this, and a question is asked again.
    return _rate_of(rule, round(bad, 5), round(missing, 5))


@lru_cache(maxsize=256)
def _rate_of(rule: BadLong, bad: float, missing: float) -> Rate:
    if not 0 < bad < 1 or missing >= 1:
        # Never Bad: nothing is raised. Never anything else, or never known: nothing ever changes.
        return Rate(0.0)
    if rule.window_minutes <= LONGEST_EXACT:
        return Rate(_by_chain(rule, bad, missing) * DAY_MINUTES)
    return _by_drawing(rule, bad, missing)


def _by_chain(rule: BadLong, bad: float, missing: float) -> float:
    """The probability that a minute begins a condition, from the chain of all windows.

    A window is a number to the base 3, its newest minute the last digit: 0 missing, 1 Bad, 2 other.
    """
    length, count = rule.window_minutes, 3**rule.window_minutes
    chances = (missing, (1 - missing) * bad, (1 - missing) * (1 - bad))
    digits = np.arange(count)[:, None] // 3 ** np.arange(length) % 3
    known_counts, bad_counts = (digits > 0).sum(axis=1), (digits == 1).sum(axis=1)
    of_window = np.array(chances)[digits].prod(axis=1)
    begins = bad_counts >= least_bad(rule)[known_counts]
    is_over = bad_counts < below_bad(rule)[known_counts]
    # The probability of each window together with "the condition lasts".
    lasts = np.where(begins, of_window, 0.0)
    rate, before = 0.0, -1.0
    while abs(rate - before) > 1e-9 * rate:
        before = rate
        # What follows a window depends on its minutes but the oldest, the first digit.
        lasted = lasts.reshape(3, count // 3).sum(axis=0)
        arriving = np.stack([lasted * chance for chance in chances], axis=1).ravel()
        rate = float((of_window - arriving)[begins].sum())
        lasts = np.where(begins, of_window, np.where(is_over, 0.0, arriving))
    return rate


def _by_drawing(rule: BadLong, bad: float, missing: float) -> Rate:
    """How often the share is reached, exact, by how often that begins a condition, drawn.

    The minutes before such a window are independent of it. So they are drawn backwards, until one
    says whether the condition lasted already.
    """
    reached = _reached(rule, bad, missing)
    if not (total := float(reached.sum())):
        return Rate(0.0)
    draw = np.random.default_rng(SEED)
    is_bad, is_known = _draw_windows(rule, reached / total, draw)
    # Like a spell of the condition, read backwards: the newest minute is the last column.
    undecided = np.arange(DRAWN)
    begins = 0
    for step in range(STEPS_AT_MOST):
        shape = (len(undecided), STEP_MINUTES + (UNSEEN_MINUTES if not step else 0))
        more_known = draw.random(shape) >= missing
        more_bad = more_known & (draw.random(shape) < bad)
        is_bad = np.concatenate([more_bad, is_bad], axis=1)
        is_known = np.concatenate([more_known, is_known], axis=1)
        lead = max(rule.window_minutes, UNSEEN_MINUTES) - 1
        on, over = conditions(is_bad, is_known, rule, lead)
        if not step:
            # In a cage that is unseen at the newest minute, nothing begins.
            is_judged = on[:, -1]
            is_bad, is_known, undecided = (
                part[is_judged] for part in (is_bad, is_known, undecided)
            )
            on, over = on[is_judged, :-1], over[is_judged, :-1]
        told = on | over
        newest = told.shape[1] - 1 - np.argmax(told[:, ::-1], axis=1)
        is_told = told.any(axis=1)
        rows = np.arange(len(undecided))
        begins += int((is_told & over[rows, newest]).sum())
        left = ~is_told
        undecided = undecided[left]
        if not len(undecided):
            break
        # Minutes already looked at are only needed as the end of windows that begin earlier.
        is_bad, is_known = is_bad[left, :lead], is_known[left, :lead]
    # Where nothing said anything for that long, count it as one that begins.
    share = (begins + len(undecided)) / DRAWN
    # Not 0 where none was seen to begin: fewer than 1 in DRAWN cannot be told from none.
    error = max(sqrt(share * (1 - share) / DRAWN), 1 / DRAWN) + len(undecided) / DRAWN
    return Rate(total * share * DAY_MINUTES, total * error * DAY_MINUTES)


def _reached(rule: BadLong, bad: float, missing: float) -> Floats:
    """The probability of each (count known, count Bad) of a window that reaches the share."""
    length = rule.window_minutes
    found = np.zeros((length + 1, length + 1))
    for known, needed in enumerate(least_bad(rule)):
        chance = comb(length, known) * (1 - missing) ** known * missing ** (length - known)
        for count in range(int(needed), known + 1):
            binomial = comb(known, count) * bad**count * (1 - bad) ** (known - count)
            found[known, count] = chance * binomial
    return found


def _draw_windows(rule: BadLong, shares: Floats, draw: np.random.Generator) -> tuple[Any, Any]:
    """DRAWN windows that reach the share: (which minutes are Bad, which are known)."""
    length = rule.window_minutes
    picked = draw.choice(shares.size, DRAWN, p=shares.ravel())
    known_counts, bad_counts = np.divmod(picked, length + 1)
    # All orders of a window's minutes are equally probable.
    order = draw.random((DRAWN, length)).argsort(axis=1)
    return order < bad_counts[:, None], order < known_counts[:, None]
