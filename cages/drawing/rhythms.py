"""The actogram and periodograms as SVG, made on the server, and rhythm figures as text.

A bar is as high as the share of its bin. A bin without a value has a dotted line through its
middle. A dark phase is a thick line over its row, light a thin one; both can be read without
colour. Sizes are in the units of the picture's viewBox.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from cages.drawing.words import rounded
from cages.history.light import LightPhase, Runs, spans_of
from cages.rhythm.actogram import Actogram
from cages.rhythm.nonparametric import HOURS_A_DAY
from cages.rhythm.periodogram import LEAST_PERIOD, MOST_PERIOD, Periodogram
from cages.rhythm.series import MINUTES_AN_HOUR, Floats

# A row: the band of light, then the bars.
ROW, BAND, BARS = 16, 3, 12
WIDTH, MARGIN, TOP = 1000, 84, 18
# Heights of bars that can be told apart.
LEVELS = 12
HOURS_BETWEEN_TICKS = 6
# With more rows only one of so many is named.
NAMED_ROWS = 31
NAMED_EVERY = 7
# A periodogram.
CHART_WIDTH, CHART_HEIGHT = 560, 180
CHART_LEFT, CHART_BOTTOM = 16, 20


@dataclass(frozen=True, slots=True)
class Named:
    """A text beside row or tick, at (x, y)."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """paths: [(name of the kind, SVG path)]. rows, ticks: texts at their places. words: what a
    screen reader says."""

    width: float
    height: float
    paths: list[tuple[str, str]]
    rows: list[Named]
    ticks: list[Named]
    words: str


def actogram_picture(actogram: Actogram, bin_minutes: int, runs: Runs, words: str) -> Picture:
    """The rows from the oldest at the top. words: what the picture shows."""
    count, bins = actogram.rows.shape if len(actogram.rows) else (0, 1)
    unit = WIDTH / bins
    hours = bins * bin_minutes / MINUTES_AN_HOUR
    bin_length = timedelta(minutes=bin_minutes)
    bars, gaps = [], []
    light: dict[LightPhase, list[str]] = {LightPhase.DARK: [], LightPhase.LIGHT: []}
    spans = {phase: spans_of(runs, phase) for phase in light}
    for number, (row, pieces) in enumerate(zip(actogram.rows, actogram.parts, strict=True)):
        top = TOP + number * ROW
        for part in pieces:
            end = part.first + round((part.end - part.begin) / bin_length)
            left = MARGIN + part.first * unit
            drawn, unknown = _row(row[part.first : end], left, unit, top + BAND + BARS)
            bars.append(drawn)
            gaps.append(unknown)
            for phase, strokes in light.items():
                for span in spans[phase]:
                    first, last = max(span.start, part.begin), min(span.end, part.end)
                    if first < last:
                        x = left + (first - part.begin) / bin_length * unit
                        width = (last - first) / bin_length * unit
                        strokes.append(f"M{x:.1f} {top + BAND / 2}h{width:.1f}")
    named = [
        Named(MARGIN - 6, TOP + number * ROW + BAND + BARS, _day(start))
        for number, start in enumerate(actogram.starts)
        if count <= NAMED_ROWS or number % NAMED_EVERY == 0
    ]
    ticks = [
        Named(MARGIN + hour / hours * WIDTH, TOP - 6, f"{hour:g}")
        for hour in np.arange(0, hours + 0.01, HOURS_BETWEEN_TICKS)
    ]
    grid = "".join(f"M{tick.x:.1f} {TOP}v{count * ROW}" for tick in ticks)
    paths = [
        ("grid", grid),
        ("dark", "".join(light[LightPhase.DARK])),
        ("lit", "".join(light[LightPhase.LIGHT])),
        ("bars", "".join(bars)),
        ("gaps", "".join(gaps)),
    ]
    height = TOP + count * ROW + 4
    shown = [path for path in paths if path[1]]
    return Picture(MARGIN + WIDTH + 20, height, shown, named, ticks, words)


def _row(row: Floats, left: float, unit: float, base: float) -> tuple[str, str]:
    """(path of the bars, path of the bins without a value). Bins that are alike are one stroke.

    left: where the first bin begins.
    """
    levels = np.where(np.isnan(row), -1, np.round(np.nan_to_num(row) * LEVELS)).astype(int)
    edges = [0, *(np.flatnonzero(np.diff(levels)) + 1).tolist(), len(levels)]
    bars, gaps = [], []
    for first, end in zip(edges, edges[1:], strict=False):
        level, x, width = levels[first], left + first * unit, (end - first) * unit
        if level < 0:
            gaps.append(f"M{x:.1f} {base - BARS / 2}h{width:.1f}")
        elif level:
            height = level * BARS / LEVELS
            bars.append(f"M{x:.1f} {base}v-{height:g}h{width:.1f}v{height:g}z")
    return "".join(bars), "".join(gaps)


def _day(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%m-%d %H:%M}"


def periodogram_picture(one: Periodogram, words: str) -> Picture:
    """The powers from LEAST_PERIOD to MOST_PERIOD hours, the line of significance, and the peak."""
    line = one.line if one.line is not None else np.full(len(one.periods), np.nan)
    most = float(np.nanmax([np.nanmax(one.powers), np.nanmax(line)])) * 1.05 or 1.0

    def x(period: float) -> float:
        share = (period - LEAST_PERIOD) / (MOST_PERIOD - LEAST_PERIOD)
        return CHART_LEFT + share * CHART_WIDTH

    def path(powers: Floats) -> str:
        points, is_open = [], False
        for period, power in zip(one.periods, powers, strict=True):
            if np.isnan(power):
                is_open = False
                continue
            y = CHART_HEIGHT * (1 - max(power, 0) / most)
            points.append(f"{'L' if is_open else 'M'}{x(period):.1f} {y:.1f}")
            is_open = True
        return "".join(points)

    peak_y = CHART_HEIGHT * (1 - one.peak_power / most)
    ticks = [
        Named(x(hour), CHART_HEIGHT + 15, f"{hour:g} h")
        for hour in np.arange(LEAST_PERIOD, MOST_PERIOD + 1, 2)
    ]
    paths = [
        ("grid", "".join(f"M{tick.x:.1f} 0v{CHART_HEIGHT}" for tick in ticks)),
        ("axis", f"M{CHART_LEFT} {CHART_HEIGHT}h{CHART_WIDTH}"),
        ("line", path(line)),
        ("power", path(one.powers)),
        ("peak", f"M{x(one.peak):.1f} {peak_y:.1f}m-4 0h8m-4 -4v8"),
    ]
    width = 2 * CHART_LEFT + CHART_WIDTH
    return Picture(width, CHART_HEIGHT + CHART_BOTTOM, paths, [], ticks, words)


def periodogram_rows(one: Periodogram) -> list[tuple[str, str, str]]:
    """[(period, power, line)] of each whole hour, as text; "–" where a period cannot be judged."""
    rows = []
    for hour in range(round(LEAST_PERIOD), round(MOST_PERIOD) + 1):
        at = int(np.argmin(np.abs(one.periods - hour)))
        line = one.line[at] if one.line is not None else np.nan
        rows.append((f"{hour} h", figure(one.powers[at]), figure(line)))
    return rows


def figure(number: float | None, digits: int = 3) -> str:
    """A figure with so many significant digits; "–" for None and NaN."""
    if number is None or np.isnan(number):
        return "–"
    size = abs(float(number))
    decimals = max(digits - 1 - int(np.floor(np.log10(size))), 0) if size >= 1e-3 else digits
    return rounded(float(number), min(decimals, digits))


def hour_of_day(hours: float | None, is_zt: bool) -> str:
    """Hours after zero as "07:05", or "ZT 0:05"; "–" for None."""
    if hours is None:
        return "–"
    minutes = round(hours * MINUTES_AN_HOUR) % (HOURS_A_DAY * MINUTES_AN_HOUR)
    hour, minute = divmod(minutes, MINUTES_AN_HOUR)
    return f"ZT {hour}:{minute:02}" if is_zt else f"{hour:02}:{minute:02}"
