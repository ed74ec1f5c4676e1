"""How regular the day of a series is: IS, IV, L5, M10, RA, onset and offset, and the cosinor.

All but IV are folded at 24 hours, each bin by its time in its own day (`cages.rhythm.days`). IV is
told of the hours as they follow each other. Bins without a value, and those in no day, are left
out. A figure is None where the series is not enough (`Series.is_enough`) or its parts are not
known. Times are hours, from 0 up to 24, after the beginning of the day: ZT0 or a midnight. IS, IV,
L5, M10 and RA are defined as in pyActigraphy 1.1.
"""

from dataclasses import dataclass
from math import atan2, hypot, pi

import numpy as np

from cages.rhythm.days import NO_TIME, Times, times_after
from cages.rhythm.periodogram import LEAST_VALUES, LEAST_VARIANCE
from cages.rhythm.series import MINUTES_A_DAY, MINUTES_AN_HOUR, Floats, Series

HOURS_A_DAY = 24
LEAST_ACTIVE_HOURS = 5
MOST_ACTIVE_HOURS = 10
# The template of an onset: so many hours of rest, then as many of activity.
TEMPLATE_HOURS = 6


@dataclass(frozen=True, slots=True)
class Stretch:
    """The hours of the average day with the lowest or highest mean.

    mean: share from 0 to 1. begins: hours after the beginning of the day.
    """

    mean: float
    begins: float


@dataclass(frozen=True, slots=True)
class Edge:
    """When activity begins or ends on the average day.

    at: hours after the beginning of the day. match: the share of the template's hours that agree
    with it; 0.5 is what a series without a rhythm has on average at any one time.
    """

    at: float
    match: float


@dataclass(frozen=True, slots=True)
class Cosinor:
    """The cosine of 24 hours that fits best (Halberg 1967; Nelson and others 1979).

    mesor: its mean. amplitude: half of the way from lowest to highest. acrophase: when it is
    highest, in hours after the beginning of the day. explained: the share of the variance that it
    explains.
    """

    mesor: float
    amplitude: float
    acrophase: float
    explained: float


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The figures of one series, and the coverage (0 to 1) that all of them rest on.

    stability (IS): 0 for noise to 1 for days that are all the same. variability (IV): about 0 for
    a sine, about 2 for noise. amplitude (RA): (M10 - L5) / (M10 + L5).
    """

    coverage: float | None
    days: float
    stability: float | None = None
    variability: float | None = None
    least_active: Stretch | None = None
    most_active: Stretch | None = None
    onset: Edge | None = None
    offset: Edge | None = None
    cosinor: Cosinor | None = None

    @property
    def amplitude(self) -> float | None:
        low, high = self.least_active, self.most_active
        if low is None or high is None or not low.mean + high.mean:
            return None
        return (high.mean - low.mean) / (high.mean + low.mean)


def rhythm_of(series: Series, times: Times | None = None) -> Rhythm:
    """Return all figures of the series. times: of each bin; from the start unless given."""
    times = times_after(series, series.start) if times is None else times
    values = series.values[~np.isnan(series.values) & (times != NO_TIME)]
    if not series.is_enough or len(values) < LEAST_VALUES:
        return Rhythm(series.coverage, series.days)
    day, later = average_day(series, times)
    hourly = series.hourly()
    of_hours = times[:: MINUTES_AN_HOUR // series.bin_minutes][: len(hourly.values)]
    onset, offset = edges(day, series.bins_a_day // HOURS_A_DAY, later)
    return Rhythm(
        series.coverage,
        series.days,
        stability=interdaily_stability(hourly.values, of_hours),
        variability=intradaily_variability(hourly.values),
        least_active=extreme(day, LEAST_ACTIVE_HOURS, later, highest=False),
        most_active=extreme(day, MOST_ACTIVE_HOURS, later, highest=True),
        onset=onset,
        offset=offset,
        cosinor=cosinor_of(series, times),
    )


def average_day(series: Series, times: Times) -> tuple[Floats, float]:
    """(the mean of each bin of the day, NaN where none has a value; when the first one begins).

    The latter is in hours after the beginning of the day, and less than a bin. Where the days do
    not begin at the same minute of a bin, a bin is told up to one bin too early.
    """
    columns, late = _columns(times, series.bin_minutes)
    return folded(series.values, columns, series.bins_a_day), late / MINUTES_AN_HOUR


def _columns(times: Times, length: int) -> tuple[Times, int]:
    """(the column of each time in columns of `length` minutes, when the first column begins)."""
    known = times[times != NO_TIME]
    late = int((known % length).min()) if len(known) else 0
    return np.where(times == NO_TIME, NO_TIME, (times - late) // length), late


def folded(values: Floats, columns: Times, width: int) -> Floats:
    """The mean of the values of each column, NaN where none is known."""
    has_value = ~np.isnan(values) & (columns != NO_TIME)
    at = columns[has_value]
    count = np.bincount(at, minlength=width)
    means = np.full(width, np.nan)
    sums = np.bincount(at, weights=values[has_value], minlength=width)
    np.divide(sums, count, out=means, where=count > 0)
    return means


def interdaily_stability(hourly: Floats, times: Times) -> float | None:
    """IS: the variance of the average day over that of all hours (Witting and others 1990,
    Biol. Psychiatry 27:563). Both are sample variances, as in pyActigraphy, so it may be a little
    above 1. hourly: one value an hour, NaN where there is none. times: of these hours."""
    columns, _late = _columns(times, MINUTES_AN_HOUR)
    known = hourly[~np.isnan(hourly) & (times != NO_TIME)]
    day = folded(hourly, columns, HOURS_A_DAY)
    if len(known) < 2 or known.var() < LEAST_VARIANCE or np.isnan(day).any():
        return None
    return float(day.var(ddof=1) / known.var(ddof=1))


def intradaily_variability(hourly: Floats) -> float | None:
    """IV: the mean square of the steps from hour to hour over the variance of all hours (Witting
    and others 1990). Only steps between two hours that both have a value."""
    known, steps = hourly[~np.isnan(hourly)], np.diff(hourly)
    steps = steps[~np.isnan(steps)]
    if not len(steps) or known.var() < LEAST_VARIANCE:
        return None
    return float((steps**2).mean() / known.var(ddof=1))


def extreme(day: Floats, hours: int, later: float, *, highest: bool) -> Stretch | None:
    """L5 and M10: the stretch of that many hours of the average day with the lowest or highest
    mean, over midnight too (Van Someren and others 1999, Chronobiol. Int. 16:505). The earliest of
    equal ones. Stretches with an unknown bin are left out.

    later: how many hours after the beginning of the day the first bin of `day` begins.
    """
    count = len(day) * hours // HOURS_A_DAY
    around = np.concatenate([day, day[: count - 1]])
    means = np.lib.stride_tricks.sliding_window_view(around, count).mean(axis=1)
    if np.isnan(means).all():
        return None
    # Sums of the same values in another order differ by rounding.
    rounded = np.round(means, 12)
    first = int(np.nanargmax(rounded) if highest else np.nanargmin(rounded))
    return Stretch(float(means[first]), _hour(first / len(day) * HOURS_A_DAY + later))


def edges(day: Floats, bins_an_hour: int, later: float) -> tuple[Edge | None, Edge | None]:
    """(onset, offset) of activity on the average day, by a template of a step.

    Each bin is active if it is above the median of the day. The onset is where TEMPLATE_HOURS of
    rest followed by as many of activity agree with most bins, the offset the reverse. The onset
    time of pyActigraphy (AonT) compares the hours before and after in the same way, as a quotient;
    a difference is right where the hours before are all 0 too. None where a bin of the day is not
    known, or all are alike.
    """
    if np.isnan(day).any() or day.var() < LEAST_VARIANCE:
        return None, None
    signs = np.where(day > np.median(day), 1.0, -1.0)
    half = TEMPLATE_HOURS * bins_an_hour
    around = np.concatenate([signs[-half:], signs, signs[: half - 1]])
    sums = np.lib.stride_tricks.sliding_window_view(around, half).sum(axis=1)
    # How much the hours after each bin are active, less how much those before it are.
    rise = (sums[half : half + len(day)] - sums[: len(day)]) / (2 * half)
    if rise.max() <= 0:
        return None, None
    return _edge(rise, later), _edge(-rise, later)


def cosinor_of(series: Series, times: Times) -> Cosinor | None:
    """The cosine of 24 hours that fits the bins with a value best, by least squares.

    times: of the bins. None for a constant series.
    """
    has_value = ~np.isnan(series.values) & (times != NO_TIME)
    values = series.values[has_value]
    if len(values) < LEAST_VALUES or values.var() < LEAST_VARIANCE:
        return None
    # A bin stands for its middle.
    angles = 2 * pi * (times[has_value] + series.bin_minutes / 2) / MINUTES_A_DAY
    columns = np.column_stack([np.ones(len(values)), np.cos(angles), np.sin(angles)])
    (mesor, cosine, sine), *_ = np.linalg.lstsq(columns, values, rcond=None)
    left = values - columns @ np.array([mesor, cosine, sine])
    return Cosinor(
        float(mesor),
        hypot(cosine, sine),
        _hour(atan2(sine, cosine) / (2 * pi) * HOURS_A_DAY),
        float(1 - left.var() / values.var()),
    )


def _edge(rise: Floats, later: float) -> Edge:
    best = int(np.argmax(np.round(rise, 12)))
    at = _hour(best / len(rise) * HOURS_A_DAY + later)
    return Edge(at, float((1 + rise[best]) / 2))


def _hour(hours: float) -> float:
    return round(hours, 9) % HOURS_A_DAY
