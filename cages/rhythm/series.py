"""The share of minutes with one health in each bin: the signal that every rhythm figure is made of.

A minute that is not known is in neither part of a share. A bin with too few known minutes has no
value (NaN), which is never counted as 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cages.history.window import Window
from cages.models import Health
from cages.models.minute import KNOWN

Floats = NDArray[np.float64]

MINUTES_A_DAY = 1440
MINUTES_AN_HOUR = 60
# Lengths of bins in minutes. Each divides an hour, so that every day and hour has the same bins.
BIN_MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
# The least share of the minutes of a bin that must be known for it to have a value.
LEAST_KNOWN_OF_BIN = 0.5
# The least share of the minutes of a window that must be known for a rhythm figure to be told.
LEAST_COVERAGE = 0.5
# The least number of days that a window must have for a rhythm figure to be told. A period of one
# day cannot be told from a single rise and fall, and L5 and M10 are means over days.
LEAST_DAYS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The bins of a window, oldest first.

    start: when the first bin begins (aware). bin_minutes: one of BIN_MINUTES. values: shares from
    0 to 1, NaN where the bin has too few known minutes. known: known minutes of each bin, of
    `bin_minutes`. known_minutes, minutes: of the whole window, with the rest that fills no bin,
    or of those of its minutes that were asked for.
    """

    start: datetime
    bin_minutes: int
    values: Floats
    known: NDArray[np.int64]
    known_minutes: int
    minutes: int

    @property
    def coverage(self) -> float | None:
        """Known minutes as a share of all minutes. None where there are no minutes."""
        return self.known_minutes / self.minutes if self.minutes else None

    @property
    def coverages(self) -> Floats:
        """Known minutes of each bin as a share of its minutes."""
        return self.known / self.bin_minutes

    @property
    def days(self) -> float:
        """How many days of 24 hours its minutes are."""
        return self.minutes / MINUTES_A_DAY

    @property
    def hours(self) -> Floats:
        """The beginning of each bin, in hours after `start`."""
        return np.arange(len(self.values), dtype=np.float64) * (self.bin_minutes / MINUTES_AN_HOUR)

    @property
    def bins_a_day(self) -> int:
        return MINUTES_A_DAY // self.bin_minutes

    @property
    def is_enough(self) -> bool:
        """Whether rhythm figures may be told: LEAST_COVERAGE and LEAST_DAYS are reached."""
        return self.days >= LEAST_DAYS and (self.coverage or 0) >= LEAST_COVERAGE

    def moment(self, index: float) -> datetime:
        """When the bin with this index begins; fractions of a bin are allowed."""
        return self.start + timedelta(minutes=float(index) * self.bin_minutes)

    def hourly(self) -> "Series":
        """The same in bins of an hour: means of the bins that have a value, weighted by their
        known minutes. An hour needs LEAST_KNOWN_OF_BIN of its minutes in such bins."""
        each = MINUTES_AN_HOUR // self.bin_minutes
        hours = len(self.values) // each
        values = self.values[: hours * each].reshape(hours, each)
        weights = np.where(np.isnan(values), 0, self.known[: hours * each].reshape(hours, each))
        known = self.known[: hours * each].reshape(hours, each).sum(axis=1)
        counted = np.nansum(values * weights, axis=1)
        enough = weights.sum(axis=1) >= max(LEAST_KNOWN_OF_BIN * MINUTES_AN_HOUR, 1)
        shares = np.full(hours, np.nan)
        np.divide(counted, weights.sum(axis=1), out=shares, where=enough)
        return Series(self.start, MINUTES_AN_HOUR, shares, known, self.known_minutes, self.minutes)


def series_of(
    minutes: bytes,
    window: Window,
    health: Iterable[Health] = (Health.PERFECT,),
    *,
    bin_minutes: int = 10,
    within: NDArray[np.bool_] | None = None,
) -> Series:
    """Return the share of minutes with one of these healths among the known minutes of each bin.

    minutes: one Minute code per slot of the window, oldest first. The last minutes, if they fill
    no bin, are in no bin. within: of each slot, whether it is asked for; all unless given. Others
    are neither known nor counted. Raises ValueError if bin_minutes is not one of BIN_MINUTES, or if
    there are not as many minutes as the window has slots.
    """
    if bin_minutes not in BIN_MINUTES:
        raise ValueError(f"A bin has one of {BIN_MINUTES} minutes, not {bin_minutes}.")
    if len(minutes) != window.minutes:
        raise ValueError(f"{len(minutes)} minutes for a window of {window.minutes}.")
    codes = np.frombuffer(minutes, dtype=np.uint8)
    is_known = np.isin(codes, [int(code) for code in KNOWN])
    is_chosen = np.isin(codes, [int(status) for status in health])
    asked = len(codes)
    if within is not None:
        is_known, is_chosen, asked = is_known & within, is_chosen & within, int(within.sum())
    bins = len(codes) // bin_minutes
    shape, whole = (bins, bin_minutes), bins * bin_minutes
    known = is_known[:whole].reshape(shape).sum(axis=1)
    chosen = is_chosen[:whole].reshape(shape).sum(axis=1)
    values = np.full(bins, np.nan)
    enough = known >= max(LEAST_KNOWN_OF_BIN * bin_minutes, 1)
    np.divide(chosen, known, out=values, where=enough)
    return Series(window.start, bin_minutes, values, known, int(is_known.sum()), asked)
