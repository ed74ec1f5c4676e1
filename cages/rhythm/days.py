"""Where the bins of a series lie in a day of 24 hours.

The day begins at the same moment every 24 hours, or at lights on, which moves where the clock is
set or the schedule changes.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cages.history.light import LightDay
from cages.history.window import Window
from cages.rhythm.series import MINUTES_A_DAY, Series
from cages.slots import SLOT_LENGTH

Times = NDArray[np.int64]
# The time of a bin that lies in no day.
NO_TIME = -1


def times_after(series: Series, zero: datetime) -> Times:
    """The minutes from `zero` to the beginning of each bin, from 0 up to MINUTES_A_DAY."""
    first = (series.start - zero) // SLOT_LENGTH
    return (first + np.arange(len(series.values)) * series.bin_minutes) % MINUTES_A_DAY


def times_by_zt(series: Series, days: Sequence[LightDay]) -> Times:
    """The minutes from lights on of its own day to the beginning of each bin.

    NO_TIME where there is no ZT, and later than 24 hours after lights on: an average day has no
    place for these.
    """
    found = np.full(len(series.values), NO_TIME, np.int64)
    for day in days:
        first, end = bins_of(series, day.window)
        begin = (series.moment(first) - day.lights_on) // SLOT_LENGTH
        times = begin + np.arange(end - first) * series.bin_minutes
        # The bin in which the lights go on may begin before that.
        found[first:end] = np.where(times < MINUTES_A_DAY, times % MINUTES_A_DAY, NO_TIME)
    return found


def bins_of(series: Series, window: Window) -> tuple[int, int]:
    """(the first bin of the window, the bin after the last). A bin is where most of it lies."""
    count = len(series.values)
    first, end = (min(max(nearest(series, at), 0), count) for at in (window.start, window.end))
    return first, end


def nearest(series: Series, moment: datetime) -> int:
    """The number of the bin that begins nearest to the moment; it may lie outside of the series."""
    return (2 * ((moment - series.start) // SLOT_LENGTH) + series.bin_minutes) // (
        2 * series.bin_minutes
    )


def minutes_by_zt(window: Window, days: Sequence[LightDay]) -> NDArray[np.bool_]:
    """Whether each slot of the window lies in a day, and within 24 hours after lights on."""
    found = np.zeros(window.minutes, np.bool_)
    for day in days:
        first = (day.window.start - window.start) // SLOT_LENGTH
        found[first : first + min(day.window.minutes, max(MINUTES_A_DAY - day.begins_at, 0))] = True
    return found
