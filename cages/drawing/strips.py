"""The strip: a cage's minutes as bars side by side, drawn on the server.

Bad is highest and Perfect lowest, so that a strip can be read without colour. No answer is blank,
not watched is hatched. Runs of one kind are one stroke, and all strokes of a kind one path.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from math import ceil

from django.utils import timezone

from cages.history.buckets import Bucket
from cages.history.minutes import Minute
from cages.history.summaries import Share
from cages.history.window import Window, midnight_of
from cages.slots import SLOT_LENGTH

HEIGHT = 16
# How high the bar of each kind is. The style sheet gives the strokes these widths.
BARS = {
    Minute.NOT_WATCHED: ("off", 16),
    Minute.BAD: ("bad", 16),
    Minute.OK: ("ok", 10),
    Minute.PERFECT: ("perfect", 6),
}
RUNS = {code: re.compile(rb"\x%02x+" % code) for code in BARS}
HOURS_BETWEEN_TICKS = 6
# Lines of the hatching across the whole width of bars, about as many as in a strip.
HATCHING_LINES = 180
# Minutes. Clocks show a full hour, and are set, only at full quarters of an hour.
QUARTER = 15
# Days between ticks, so that no more than MOST_TICKS stand side by side.
DAY_STEPS = (1, 2, 7, 14, 28, 91, 182, 364)
MOST_TICKS = 8
# From this number of days between them on, ticks name months.
MONTHS_FROM = 91


@dataclass(frozen=True, slots=True)
class Tick:
    """At `percent` of the width the clock or the calendar shows `text`."""

    percent: float
    text: str

    @property
    def is_last(self) -> bool:
        """Whether its text stands before it, because there is no room behind."""
        return self.percent > 88


def paths_of(minutes: bytes, start: int = 0) -> list[tuple[str, str]]:
    """[(name of the kind, SVG path of its strokes)], one unit wide per minute, HEIGHT high.

    start: where on the strip the first minute is.
    """
    paths = []
    for code, (name, height) in BARS.items():
        y = HEIGHT - height // 2
        runs = [run.span() for run in RUNS[code].finditer(minutes)]
        if runs:
            path = "".join([f"M{start + first} {y}h{end - first}" for first, end in runs])
            paths.append((name, path))
    return paths


def bars_of(buckets: Iterable[Bucket], width: int, start: int = 0) -> list[tuple[str, str]]:
    """[(name of the kind, SVG path)]: a bar for each Bucket, one wide per minute and 100 high.

    From the bottom: Perfect, Ok, Bad; then what is not known, which is not drawn. What was not
    watched hangs from the top, hatched: "off" is to be stroked, the others to be filled.
    width: of all bars together, with room for those to come. start: where the first bar begins.
    """
    bars: dict[str, list[str]] = {"perfect": [], "ok": [], "bad": []}
    hatching: list[str] = []
    apart, left = max(width / HATCHING_LINES, 1), start
    for bucket in buckets:
        top, health = 100.0, bucket.health
        for parts, share in zip(bars.values(), health.shares, strict=True):
            if share.percent:
                parts.append(f"M{left} {top:.4g}h{bucket.minutes}v-{share.percent:.4g}H{left}z")
                top -= share.percent
        if height := Share(health.not_watched, health.minutes).percent:
            lines = range(ceil(left / apart), ceil((left + bucket.minutes) / apart))
            hatching += [f"M{line * apart:.6g} 0v{height:.4g}" for line in lines]
        left += bucket.minutes
    bars["off"] = hatching
    return [(name, "".join(parts)) for name, parts in bars.items() if parts]


def ticks_of(start: datetime, zone: tzinfo | None = None) -> tuple[int, list[Tick]]:
    """(minutes of the facility's day that `start` lies in, its Ticks)."""
    zone = zone or timezone.get_default_timezone()
    day = start.astimezone(zone).date()
    whole = Window.whole_day(day, zone)
    return whole.minutes, _ticks(whole, [(clock, f"{clock:%H}") for clock in _clocks([day], zone)])


def ticks_within(window: Window, zone: tzinfo | None = None) -> list[Tick]:
    """The Ticks of any Window: hours where it is short, midnights where it is long."""
    zone = zone or timezone.get_default_timezone()
    days = [day for day, _part in window.days(zone)]
    if window.end - window.start <= timedelta(days=2):
        clocks = _clocks(days, zone)
        marks = [(clock, f"{clock:%H:%M}" if clock.hour else f"{clock:%m-%d}") for clock in clocks]
    else:
        step = next((step for step in DAY_STEPS if len(days) <= step * MOST_TICKS), DAY_STEPS[-1])
        form = "%m-%d" if step < MONTHS_FROM else "%Y-%m"
        marks = [(midnight_of(day, zone), f"{day:{form}}") for day in days[::step]]
    return _ticks(window, marks)


def _clocks(days: Iterable[date], zone: tzinfo) -> list[datetime]:
    """The moments that get a Tick where hours are shown, in the zone."""
    hours = range(0, 24, HOURS_BETWEEN_TICKS)
    return [datetime.combine(day, time(hour), zone) for day in days for hour in hours]


def _ticks(window: Window, marks: Iterable[tuple[datetime, str]]) -> list[Tick]:
    """The Ticks of the (moment, text) that lie in the window."""
    # Aware moments of one zone are subtracted by the clock on the wall unless they go through UTC.
    moments = [(moment.astimezone(UTC), text) for moment, text in marks]
    return [
        Tick(round(100 * (moment - window.start) / (window.end - window.start), 2), text)
        for moment, text in moments
        if window.start <= moment < window.end
    ]


@dataclass(frozen=True, slots=True)
class Hour:
    """One row of the table that says the same as the day strip."""

    start: datetime
    perfect: int
    ok: int
    bad: int
    no_answer: int
    not_watched: int


def hours_of(minutes: bytes, start: datetime) -> list[Hour]:
    """The Hours of the facility's clock that have begun, oldest first.

    The first one begins at `start`, and the last one may not be over. An hour within which the
    clock is set is two of them.
    """
    codes = (Minute.PERFECT, Minute.OK, Minute.BAD, Minute.NO_ANSWER, Minute.NOT_WATCHED)
    firsts, offset = [0], timezone.localtime(start).utcoffset()
    for number in range(QUARTER - start.minute % QUARTER, len(minutes), QUARTER):
        local = timezone.localtime(start + number * SLOT_LENGTH)
        if local.minute == 0 or local.utcoffset() != offset:
            firsts.append(number)
            offset = local.utcoffset()
    return [
        Hour(start + first * SLOT_LENGTH, *(minutes.count(code, first, end) for code in codes))
        for first, end in pairwise([*firsts, len(minutes)])
        if minutes
    ]
