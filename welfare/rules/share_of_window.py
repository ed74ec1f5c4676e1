"""The rule "Bad for long" over many cages and many minutes at once.

It finds the same edges as `welfare.rules.bad_long`, which judges one cage minute by minute; a
property test holds the two together. numpy takes 15 MB, so only pages that replay minutes and
benchmarks load this module.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cages.models.minute import KNOWN, Minute
from welfare.rules.parameters import UNSEEN_MINUTES, BadLong

Codes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
# More than any count of a window, so that it is never reached.
NEVER = 255
CODE_COUNT = max(Minute) + 1
IS_BAD = np.array([code == Minute.BAD for code in range(CODE_COUNT)])
IS_KNOWN = np.array([code in KNOWN for code in range(CODE_COUNT)])


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the condition begins and where it is over, cage by cage and oldest first.

    row, minute: places in the matrix that was judged. begins: True for off to on. is_on: for each
    cage, how it is after the last minute.
    """

    row: npt.NDArray[np.int64]
    minute: npt.NDArray[np.int64]
    begins: Flags
    is_on: Flags


def lead_of(*rules: BadLong) -> int:
    """How many minutes before a slot these rules look at."""
    return max(UNSEEN_MINUTES, *(rule.window_minutes for rule in rules)) - 1


def least_bad(rule: BadLong) -> Codes:
    """For each count of known readings of a window, the least count of Bad that begins it."""
    known = np.arange(rule.window_minutes + 1)
    needed = -(-known * rule.share_percent // 100)
    return np.where(known >= rule.least_known, needed, NEVER).astype(np.uint8)


def below_bad(rule: BadLong) -> Codes:
    """For each count of known readings of a window, the count of Bad below which it is over."""
    known = np.arange(rule.window_minutes + 1)
    needed = -(-known * rule.over_percent // 100)
    return np.where(known >= rule.least_known, needed, 0).astype(np.uint8)


def edges(codes: Codes, rule: BadLong, is_on: Flags | None = None, lead: int = 0) -> Edges:
    """Judge every minute of every cage from the column `lead` on.

    codes: cages × minutes, each a Minute. is_on: for each cage, whether the condition lasts before
    the first minute that is judged; None: it does not. The columns before `lead` are only looked
    back at; what is before the matrix counts as not watched.
    """
    return edges_of(IS_BAD[codes], IS_KNOWN[codes], rule, is_on, lead)


def edges_of(
    bad: Flags,
    known: Flags,
    rule: BadLong,
    is_on: Flags | None = None,
    lead: int = 0,
    waits: Flags | None = None,
) -> Edges:
    """As `edges`, for two matrices of flags. A reading that is Bad is known.

    waits: a matrix of the same shape, True where the condition does not begin; None: nowhere.
    """
    begins, is_over = conditions(bad, known, rule, lead)
    if waits is not None:
        begins &= ~waits[:, lead:]
    cages, minutes = begins.shape
    before = np.zeros(cages, bool) if is_on is None else is_on
    # A column for what was before. Only minutes that say something are looked at: the state stays
    # as it was in all others.
    told = np.zeros((cages, minutes + 1), np.uint8)
    told[:, 1:] = begins * np.uint8(2) + is_over
    told[:, 0] = np.where(before, 2, 1)
    places = np.flatnonzero(told)
    states = told.ravel()[places] == 2
    rows = places // (minutes + 1)
    changes = np.zeros(len(places), bool)
    changes[1:] = (states[1:] != states[:-1]) & (rows[1:] == rows[:-1])
    newest = np.append(rows[1:] != rows[:-1], True)
    return Edges(
        row=rows[changes],
        minute=places[changes] % (minutes + 1) - 1 + lead,
        begins=states[changes],
        is_on=states[newest],
    )


def conditions(bad: Flags, known: Flags, rule: BadLong, lead: int = 0) -> tuple[Flags, Flags]:
    """(where the condition of beginning holds, where that of being over does), from `lead` on.

    In a minute in which neither holds, the state stays as it was: too little is known, the cage is
    unseen, or the share lies between the two.
    """
    known_counts = counts(known, rule.window_minutes, lead)
    bad_counts = counts(bad, rule.window_minutes, lead)
    # With that much known in a short window, the cage is not unseen.
    judged = (
        counts(known, UNSEEN_MINUTES, lead) > 0
        if rule.window_minutes > UNSEEN_MINUTES
        else np.True_
    )
    begins = (bad_counts >= least_bad(rule)[known_counts]) & judged
    is_over = (bad_counts < below_bad(rule)[known_counts]) & judged
    return begins, is_over


def counts(flags: Flags, window: int, lead: int = 0) -> Any:
    """How many flags are set in the window that ends with each minute, from `lead` on.

    window: up to 255 minutes. The sums are taken modulo 256, which leaves differences of up to 255
    as they are, and take an eighth of the memory.
    """
    cages, minutes = flags.shape
    sums = np.zeros((cages, minutes + window), np.uint8)
    np.cumsum(flags, axis=1, dtype=np.uint8, out=sums[:, window:])
    return sums[:, window + lead :] - sums[:, lead:minutes]
