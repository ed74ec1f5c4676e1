"""The strip: a cage's minutes as bars side by side, drawn on the server.

Bad is highest and Perfect lowest, so that a strip can be read without colour. No answer is blank,
not watched is hatched. Runs of one kind are one stroke, and all strokes of a kind one path.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import groupby

from django.utils import timezone
from django.utils.translation import gettext as _

from cages.history.minutes import Minute
from cages.slots import SLOT_LENGTH

HEIGHT = 16
# How high the bar of each kind is. The style sheet gives the strokes these widths.
BARS = {
    Minute.NOT_WATCHED: ("off", 16),
    Minute.BAD: ("bad", 16),
    Minute.OK: ("ok", 10),
    Minute.PERFECT: ("perfect", 6),
}
HOURS_BETWEEN_TICKS = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """`percent` of the day's length after midnight the clock shows `text`."""

    percent: float
    text: str


def paths_of(minutes):
    """[(name of the kind, SVG path of its strokes)], one unit wide per minute, HEIGHT high."""
    strokes = {name: [] for name, _height in BARS.values()}
    start = 0
    for code, run in groupby(minutes):
        length = len(list(run))
        if code in BARS:
            name, height = BARS[code]
            strokes[name].append(f"M{start} {HEIGHT - height // 2}h{length}")
        start += length
    return [(name, "".join(parts)) for name, parts in strokes.items() if parts]


def bars_of(healths):
    """[(name of the kind, SVG path)]: a bar, one wide and 100 high, for each HealthSummary.

    From the bottom: Perfect, Ok, Bad; then what is not known, which is not drawn. What was not
    watched hangs from the top.
    """
    bars = {"perfect": [], "ok": [], "bad": [], "off": []}
    for number, health in enumerate(healths):
        top = 100.0
        for name, share in zip(bars, health.shares, strict=False):
            top = _add_bar(bars[name], number, top, share.percent)
        off = 100 * health.not_watched / health.minutes if health.minutes else 0
        _add_bar(bars["off"], number, off, off)
    return [(name, "".join(parts)) for name, parts in bars.items() if parts]


def _add_bar(parts, number, bottom, percent):
    """A bar from `bottom` upwards; returns where it ends."""
    if not percent:
        return bottom
    parts.append(f"M{number} {bottom:.4g}h1v-{percent:.4g}h-1z")
    return bottom - percent


def in_words(minutes):
    """What the strip shows, for those who do not see it: "40 Perfect, 2 Bad, 18 no answer"."""
    words = {
        Minute.PERFECT: _("Perfect"),
        Minute.OK: _("Ok"),
        Minute.BAD: _("Bad"),
        Minute.NO_ANSWER: _("no answer"),
        Minute.NOT_WATCHED: _("not watched"),
    }
    counts = {code: minutes.count(code) for code in words}
    return ", ".join(f"{count} {words[code]}" for code, count in counts.items() if count)


def ticks_of(start, zone=None):
    """(minutes of the facility's day that begins at `start`, its Ticks); 23 and 25 hours too."""
    zone = zone or timezone.get_default_timezone()
    day = start.astimezone(zone).date()
    clock = [
        datetime.combine(day, time(hour), tzinfo=zone) for hour in range(0, 24, HOURS_BETWEEN_TICKS)
    ]
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    # Aware moments of one zone are subtracted by the clock on the wall unless they go through UTC.
    midnight, end = clock[0].timestamp(), end.timestamp()
    ticks = [
        Tick(round(100 * (moment.timestamp() - midnight) / (end - midnight), 2), f"{moment:%H}")
        for moment in clock
    ]
    return int((end - midnight) // SLOT_LENGTH.total_seconds()), ticks


@dataclass(frozen=True, slots=True)
class Hour:
    """One row of the table that says the same as the day strip."""

    start: datetime
    perfect: int
    ok: int
    bad: int
    no_answer: int
    not_watched: int


def hours_of(minutes, start):
    """The Hours that have begun, oldest first; the last one may not be over."""
    return [
        Hour(
            start + first * SLOT_LENGTH,
            *(
                minutes.count(code, first, first + 60)
                for code in (
                    Minute.PERFECT,
                    Minute.OK,
                    Minute.BAD,
                    Minute.NO_ANSWER,
                    Minute.NOT_WATCHED,
                )
            ),
        )
        for first in range(0, len(minutes), 60)
    ]
