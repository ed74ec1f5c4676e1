"""The rows of an actogram: one for each day, or for each period of any length. No drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cages.history.light import LightDay
from cages.rhythm.days import bins_of, nearest
from cages.rhythm.series import MINUTES_AN_HOUR, Floats, Series

# The least and most length of a row in hours: what a free-running period may be chosen from.
LEAST_TAU = 16.0
MOST_TAU = 32.0
# A longer window is cut to its last rows: more than these cannot be read as one picture.
MOST_ROWS = 400


@dataclass(frozen=True, slots=True)
class Part:
    """Bins of a row that follow each other in time, from the bin number `first` of the row on.

    begin, end: of the time that they stand for.
    """

    first: int
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Actogram:
    """Rows of bins, oldest first.

    starts: when each row begins. rows: an array of (rows, bins), NaN where a bin has no value or
    lies outside of the series or of the parts. parts: those of each row. tau: hours of a single
    row; a double plotted one is followed by the next row. is_cut: whether older rows were left out.
    """

    starts: list[datetime]
    rows: Floats
    parts: list[list[Part]]
    tau: float
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
    starts, parts = [], []
    length = timedelta(minutes=width * series.bin_minutes)
    for index, number in enumerate(numbers):
        begin = offset + number * a_row
        start = series.moment(begin)
        starts.append(start)
        parts.append([Part(0, start, start + length)])
        at = np.floor(begin + 0.5 + 1e-9).astype(int) + np.arange(width)
        inside = (at >= 0) & (at < count)
        rows[index, inside] = series.values[at[inside]]
    return Actogram(starts, rows, parts, tau, is_cut)


def actogram_by_zt(series: Series, days: Sequence[LightDay], *, double: bool = False) -> Actogram:
    """Return the series in rows that each begin at lights on of their own day.

    A row has 24 hours, or as many as its day where that is longer. A day of 23 hours leaves the
    last hour of its row empty, so that the next one, in a double plotted row, begins at 24 hours.
    Each row begins with the bin that begins nearest to lights on.
    """
    found = [(day, *bins_of(series, day.window)) for day in days]
    found = [one for one in found if one[1] < one[2]]
    is_cut = len(found) > MOST_ROWS
    found = found[-MOST_ROWS:]
    singles = [
        Part(first - nearest(series, day.lights_on), series.moment(first), series.moment(end))
        for day, first, end in found
    ]
    lengths = [
        max(series.bins_a_day, part.first + end - first)
        for part, (_day, first, end) in zip(singles, found, strict=True)
    ]
    parts = [[part] for part in singles]
    if double:
        for own, length, after in zip(parts, lengths, singles[1:], strict=False):
            # Days without ZT may lie between them.
            if own[0].end == after.begin:
                own.append(Part(length + after.first, after.begin, after.end))
    width = max(lengths, default=series.bins_a_day)
    rows = np.full((len(found), width * 2 if double else width), np.nan)
    for row, pieces in zip(rows, parts, strict=True):
        for part in pieces:
            first, end = nearest(series, part.begin), nearest(series, part.end)
            row[part.first : part.first + end - first] = series.values[first:end]
    starts = [day.lights_on for day, _first, _end in found]
    return Actogram(starts, rows, parts, 24.0, is_cut)
