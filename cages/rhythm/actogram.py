"""The rows of an actogram: one for each day, or for each period of any length. No drawing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cages.rhythm.series import MINUTES_AN_HOUR, Floats, Series

# The least and most length of a row in hours: what a free-running period may be chosen from.
LEAST_TAU = 16.0
MOST_TAU = 32.0
# A longer window is cut to its last rows: more than these cannot be read as one picture.
MOST_ROWS = 400


@dataclass(frozen=True, slots=True, eq=False)
class Actogram:
    """Rows of bins, oldest first.

    starts: when each row begins. rows: an array of (rows, bins), NaN where a bin has no value or
    lies outside of the series. tau: hours of a single row. bins_a_row: how many bins a single row
    has; a double plotted one has twice as many, the second half being the next row. is_cut:
    whether older rows were left out.
    """

    starts: list[datetime]
    rows: Floats
    tau: float
    bins_a_row: int
    is_cut: bool


def actogram_of(
    series: Series, zero: datetime | None = None, *, tau: float = 24.0, double: bool = False
) -> Actogram:
    """Return the series in rows of `tau` hours.

    zero: a moment at which a row begins: a midnight for an actogram on a clock, ZT0 on zeitgeber
    time; the start of the series unless given. It may lie anywhere. Where `tau` is not a whole
    number of bins, each row begins with the bin that begins nearest to it, so no row is off by
    more than half a bin, however many there are. Rows then share or leave out no bin but the last
    of a row, which may be the first of the next. Raises ValueError if tau is not LEAST_TAU to
    MOST_TAU.
    """
    if not LEAST_TAU <= tau <= MOST_TAU:
        raise ValueError(f"tau is {LEAST_TAU} to {MOST_TAU} hours, not {tau}.")
    zero = zero or series.start
    a_row = tau * MINUTES_AN_HOUR / series.bin_minutes
    bins_a_row = int(np.ceil(a_row - 1e-9))
    # Where zero lies, in bins after the start of the series.
    offset = (zero - series.start) / timedelta(minutes=series.bin_minutes)
    count = len(series.values)
    first = int(np.floor(-offset / a_row + 1e-9))
    last = int(np.ceil((count - offset) / a_row - 1e-9))
    is_cut = last - first > MOST_ROWS
    numbers = range(max(first, last - MOST_ROWS), last) if count else range(0)
    width = bins_a_row * 2 if double else bins_a_row
    rows = np.full((len(numbers), width), np.nan)
    starts = []
    for index, number in enumerate(numbers):
        begin = offset + number * a_row
        starts.append(series.moment(begin))
        at = np.floor(begin + 0.5 + 1e-9).astype(int) + np.arange(width)
        inside = (at >= 0) & (at < count)
        rows[index, inside] = series.values[at[inside]]
    return Actogram(starts, rows, tau, bins_a_row, is_cut)
