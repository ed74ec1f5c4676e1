"""Which period a series has: Lomb-Scargle first, and the chi-square periodogram beside it.

Periods are hours. Both look at LEAST_PERIOD to MOST_PERIOD and use only bins that have a value.
Neither says that a peak was made by a clock in the animal: a light schedule makes one as well.
"""

from dataclasses import dataclass
from math import exp, isqrt, lgamma, pi, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cages.rhythm.series import MINUTES_AN_HOUR, Floats, Series

Complexes = NDArray[np.complexfloating[Any, Any]]

LEAST_PERIOD = 16.0
MOST_PERIOD = 32.0
# The step between the periods of the Lomb-Scargle periodogram. A peak is known to no less than it.
PERIOD_STEP = 0.05
# The chance that a series without a rhythm has a peak above the line at any of the periods.
SIGNIFICANCE = 0.05
# The least number of bins with a value. Lomb-Scargle fits three numbers, and more are needed to
# say how well they fit.
LEAST_VALUES = 24
# A variance below this is that of a constant with the rounding errors of its mean.
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Periodogram:
    """The power at each trial period.

    periods: hours, rising. powers: one for each, NaN where a period cannot be judged. step: hours
    between two periods. peak: the period with the highest power (of the chi-square periodogram:
    the farthest above its line). peak_power: its power. false_alarm: the chance that a series of
    independent bins without a rhythm has such a peak anywhere (Lomb-Scargle). line: the power that
    is significant at each period. coverage: known minutes as a share of all.
    """

    periods: Floats
    powers: Floats
    step: float
    peak: float
    peak_power: float
    coverage: float
    false_alarm: float | None = None
    line: Floats | None = None

    @property
    def is_significant(self) -> bool:
        """Whether the peak is higher than SIGNIFICANCE allows for a series without a rhythm.

        It takes bins as independent. Neighbouring bins of a cage are alike, so the true chance of
        a false alarm is greater.
        """
        if self.false_alarm is not None:
            return self.false_alarm < SIGNIFICANCE
        at = int(np.argmin(np.abs(self.periods - self.peak)))
        return self.line is not None and self.peak_power > float(self.line[at])


def lomb_scargle(series: Series) -> Periodogram | None:
    """The Lomb-Scargle periodogram with a fitted mean, in standard normalisation (0 to 1).

    The power is the share of the variance that a sine of that period explains (Zechmeister and
    Kürster 2009, Astron. Astrophys. 496:577; without weights). It needs no equal steps, so bins
    without a value are left out and nothing is put in their place. None where the series is not
    enough (`Series.is_enough`), has fewer than LEAST_VALUES values, or is constant.
    """
    has_value = ~np.isnan(series.values)
    hours, values = series.hours[has_value], series.values[has_value]
    if not _can_be_judged(series, values):
        return None
    steps = round((MOST_PERIOD - LEAST_PERIOD) / PERIOD_STEP)
    periods = np.linspace(LEAST_PERIOD, MOST_PERIOD, steps + 1)
    powers = powers_at(series.values, series.bin_minutes / MINUTES_AN_HOUR, 1 / periods)
    best = int(np.argmax(powers))
    return Periodogram(
        periods,
        powers,
        PERIOD_STEP,
        float(periods[best]),
        float(powers[best]),
        series.coverage or 0,
        false_alarm=false_alarm(float(powers[best]), hours, 1 / LEAST_PERIOD),
        line=np.full(len(periods), significant_power(hours, 1 / LEAST_PERIOD)),
    )


def powers_at(values: Floats, step: float, frequencies: Floats) -> Floats:
    """The Lomb-Scargle power at each frequency (cycles an hour), 0 to 1.

    values: one every `step` hours, NaN where there is none; those that are there not all the same.
    """
    has_value = ~np.isnan(values)
    count = has_value.sum()
    centred = np.where(has_value, values - values[has_value].mean(), 0.0)
    whole = (centred**2).sum() / count
    # In blocks: a wave is that within a block, turned by the angle of the block's begin.
    size = isqrt(max(len(values) - 1, 0)) + 1
    turns = 2j * pi * step * np.arange(size)[:, None] * frequencies
    within, begins = np.exp(turns), np.exp(size * turns)
    mean = _wave_sums(has_value.astype(np.float64), within, begins) / count
    # Squares and products of cosine and sine are those of twice the angle.
    double = _wave_sums(has_value.astype(np.float64), within**2, begins**2) / count
    signal = _wave_sums(centred, within, begins) / count
    cosine, sine = mean.real, mean.imag
    cc = (1 + double.real) / 2 - cosine**2
    ss = (1 - double.real) / 2 - sine**2
    cs = double.imag / 2 - cosine * sine
    yc, ys = signal.real, signal.imag
    divisor = cc * ss - cs**2
    explained = ss * yc**2 + cc * ys**2 - 2 * cs * yc * ys
    powers = np.zeros(len(frequencies))
    np.divide(explained, whole * divisor, out=powers, where=divisor > LEAST_VARIANCE)
    return powers


def _wave_sums(values: Floats, within: Complexes, begins: Complexes) -> Complexes:
    """The sum of the values times each wave. within, begins: (size of a block, waves).

    A block is summed first and turned then, so few cosines and sines are needed. einsum and no
    product of matrices: that would start a thread on each processor, and these wait for each other
    on a busy machine.
    """
    blocks = np.zeros(len(within) ** 2)
    blocks[: len(values)] = values
    shape = (len(within), len(within))
    sums = np.einsum("ab,bf->af", blocks.reshape(shape), within.view(np.float64))
    return (sums.view(np.complex128) * begins).sum(axis=0)


def false_alarm(power: float, hours: Floats, most_frequency: float) -> float:
    """The chance of a power this high at any frequency up to the most, without a rhythm.

    The approximation of Baluev 2008 (MNRAS 385:1279), an upper bound where there is little
    aliasing. Errors of the bins are taken as independent and normal.
    """
    count = len(hours)
    if power >= 1:
        return 0.0
    free = count - 1
    width = most_frequency * sqrt(4 * pi * float(hours.var()))
    gamma = sqrt(2 / free) * exp(lgamma(free / 2) - lgamma((free - 1) / 2))
    single = (1 - power) ** ((count - 3) / 2)
    tau = gamma * width * (1 - power) ** ((count - 4) / 2) * sqrt(free * power / 2)
    return float(-np.expm1(np.log1p(-min(single, 1 - 1e-16)) - tau))


def significant_power(hours: Floats, most_frequency: float) -> float:
    """The power whose `false_alarm` is SIGNIFICANCE."""
    low, high = 0.0, 1.0
    # Each step halves the interval, so 40 reach 1e-12.
    for _step in range(40):
        middle = (low + high) / 2
        if false_alarm(middle, hours, most_frequency) > SIGNIFICANCE:
            low = middle
        else:
            high = middle
    return high


def chi_square(series: Series) -> Periodogram | None:
    """The chi-square periodogram (Sokolove and Bushell 1978, J. Theor. Biol. 72:131).

    The series is folded at each whole number of bins, over as many whole cycles as there are. Qp
    is the variance of the means of the columns, each weighted by its number of values, over the
    variance of all values. Bins without a value are in no mean. On complete data this is the
    published Qp. It follows a chi-square distribution with one degree of freedom less than there
    are columns with a value. The line is at SIGNIFICANCE for all periods together (Šidák).
    None where `lomb_scargle` gives None.
    """
    if not _can_be_judged(series, series.values[~np.isnan(series.values)]):
        return None
    step = series.bin_minutes / MINUTES_AN_HOUR
    columns = np.arange(round(LEAST_PERIOD / step), round(MOST_PERIOD / step) + 1)
    powers, line = np.full(len(columns), np.nan), np.full(len(columns), np.nan)
    each = 1 - (1 - SIGNIFICANCE) ** (1 / len(columns))
    for index, width in enumerate(columns):
        power, filled = folded_power(series.values, int(width))
        if power is not None:
            powers[index] = power
            line[index] = chi_square_quantile(1 - each, filled - 1)
    if np.isnan(powers).all():
        return None
    best = int(np.nanargmax(powers - line))
    return Periodogram(
        columns.astype(np.float64) * step,
        powers,
        step,
        float(columns[best] * step),
        float(powers[best]),
        series.coverage or 0,
        line=line,
    )


def folded_power(values: Floats, width: int) -> tuple[float | None, int]:
    """(Qp at a period of `width` bins, how many columns have a value).

    None where there are not two whole cycles, two columns with a value, or two different values.
    """
    cycles = len(values) // width
    folded = values[: cycles * width].reshape(cycles, width)
    has_value = ~np.isnan(folded)
    each, count = has_value.sum(axis=0), int(has_value.sum())
    filled = int((each > 0).sum())
    if cycles < 2 or filled < 2:
        return None, filled
    mean = np.nansum(folded) / count
    variance = np.nansum((folded - mean) ** 2) / count
    if variance < LEAST_VARIANCE:
        return None, filled
    means = np.nansum(folded, axis=0)[each > 0] / each[each > 0]
    return float((each[each > 0] * (means - mean) ** 2).sum() / variance), filled


def chi_square_quantile(share: float, degrees: int) -> float:
    """The value that a chi-square variable stays below with this probability (0 < share < 1).

    The cube of Wilson and Hilferty 1931. From 15 degrees on it is off by less than 0.5 %.
    """
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + NormalDist().inv_cdf(share) * sqrt(spread)) ** 3


def _can_be_judged(series: Series, values: Floats) -> bool:
    return series.is_enough and len(values) >= LEAST_VALUES and float(values.var()) > LEAST_VARIANCE
