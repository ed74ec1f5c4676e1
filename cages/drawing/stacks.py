"""Stacked days: strips under each other on one time axis, one or two in a row.

The axis is the facility's clock, ZT, or a period that a person chose. A row of ZT begins at lights
on of its schedule, so that it can be longer or shorter than 24 hours where that changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from cages.drawing import light, strips
from cages.drawing.pins import Numbered, Pin, pins_of
from cages.drawing.words import minutes_in_words, time_of_day
from cages.history.axis import TAU, ZT, Axis
from cages.history.light import LightRun, days_by_zt
from cages.history.window import Window
from cages.slots import SLOT_LENGTH

DAY_MINUTES = 24 * 60
TENTHS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """minutes: those from `first` on after the slot `begin`, which stands `at` the axis (minutes).

    length: of the row in minutes; the next one follows it in a double row.
    """

    begin: datetime
    first: int
    minutes: bytes
    length: float
    at: float = 0
    # Of a day on which the clock is set.
    hours: float | None = None
    with_clock: bool = False

    @property
    def end(self) -> int:
        return self.first + len(self.minutes)

    @property
    def day(self) -> date:
        return timezone.localtime(self.begin).date()


@dataclass(frozen=True, slots=True)
class Stack:
    """rows: what the template draws. without: minutes that have no place on the axis.

    width: of the axis in minutes. top, height: of what is drawn, with the bands of light.
    """

    rows: list[dict[str, Any]]
    width: str
    ticks: list[strips.Tick]
    unit: str
    without: int = 0
    top: int = 0
    height: int = strips.HEIGHT
    # Whether each row says when it begins.
    has_clock: bool = False


def stack_of(
    minutes: bytes,
    window: Window,
    axis: Axis,
    runs: Sequence[LightRun] = (),
    marks: Sequence[Numbered] = (),
) -> Stack:
    """The minutes of the Window as a Stack. runs: they may go on after the window."""
    without = 0
    if axis.name == ZT:
        rows = _by_zt(minutes, window, runs)
        without = len(minutes) - sum(len(row.minutes) for row in rows)
    elif axis.name == TAU:
        rows = _by_tau(minutes, window, axis.tau_tenths)
    else:
        rows = _by_clock(minutes, window)
    length = float(axis.tau) * 60 if axis.name == TAU else DAY_MINUTES
    longest = max([length, *(row.at + row.end if axis.name == ZT else row.length for row in rows)])
    width = round(longest * (2 if axis.is_double else 1), 1)
    drawn = [_drawn(row, runs, marks, width) for row in rows]
    if axis.is_double:
        _double(drawn, rows, width)
    has_light = any(one["shade"] for one in drawn)
    top = light.BAND_HEIGHT if has_light else 0
    ticks = _ticks(length, width, axis)
    unit = {ZT: "ZT", TAU: _("Hours")}.get(axis.name, _("Hour"))
    return Stack(
        drawn,
        _number(width),
        ticks,
        unit,
        without,
        top=-top,
        height=strips.HEIGHT + top,
        has_clock=any(row.with_clock for row in rows),
    )


def _by_clock(minutes: bytes, window: Window) -> list[Row]:
    rows, start = [], 0
    for day, part in window.days():
        whole = Window.whole_day(day)
        first = (part.start - whole.start) // SLOT_LENGTH
        # 24.5 where the clock is set by half an hour.
        hours = None if whole.minutes == DAY_MINUTES else whole.minutes / 60
        own = minutes[start : start + part.minutes]
        rows.append(Row(whole.start, first, own, whole.minutes, hours=hours))
        start += part.minutes
    return rows


def _by_zt(minutes: bytes, window: Window, runs: Sequence[LightRun]) -> list[Row]:
    rows = []
    for day in days_by_zt(runs, window):
        part, at = day.window, day.begins_at
        start = (part.start - window.start) // SLOT_LENGTH
        own = minutes[start : start + part.minutes]
        length = max(DAY_MINUTES, at + len(own))
        rows.append(Row(part.start, 0, own, length, at, with_clock=True))
    return rows


def _by_tau(minutes: bytes, window: Window, tau_tenths: int) -> list[Row]:
    rows, start, number = [], 0, 0
    while start < len(minutes):
        number += 1
        # The first full minute of the next row. A row need not begin at a full minute.
        end = min(-(-number * tau_tenths // TENTHS), len(minutes))
        at = (start * TENTHS - (number - 1) * tau_tenths) / TENTHS
        begin = window.start + start * SLOT_LENGTH
        rows.append(Row(begin, 0, minutes[start:end], tau_tenths / TENTHS, at, with_clock=True))
        start = end
    return rows


def _drawn(
    row: Row, runs: Sequence[LightRun], marks: Sequence[Numbered], width: float
) -> dict[str, Any]:
    name = f"{row.day:%Y-%m-%d}"
    clock = time_of_day(row.begin) if row.with_clock else ""
    # On the clock a day is shaded to its end, also where its minutes are yet to come.
    first, end = (row.first, row.end) if row.with_clock else (0, int(row.length))
    return {
        "id": f"{row.begin:%Y%m%dT%H%M}" if clock else name,
        "day": name,
        "weekday": WEEKDAYS_ABBR[row.day.weekday()],
        "date": f"{row.day:%m-%d}",
        "clock": clock,
        "hours": row.hours or "",
        "paths": strips.paths_of(row.minutes, row.first),
        "shade": light.shade_of(runs, row.begin, first, end),
        "pins": pins_of(marks, row.begin, first, end, width, row.at),
        "begin": row.begin,
        "first": row.first,
        "end": row.end,
        "at": _number(row.at),
        "label": f"{name}{f' {clock}' if clock else ''}: {minutes_in_words(row.minutes)}",
    }


def _double(drawn: list[dict[str, Any]], rows: list[Row], width: float) -> None:
    for (one, row), (after, other) in pairwise(zip(drawn, rows, strict=True)):
        # Days without ZT may lie between the two.
        if row.begin + row.end * SLOT_LENGTH != other.begin + other.first * SLOT_LENGTH:
            continue
        shift = round(100 * row.length / width, 2)
        one["next"], one["next_at"] = after["id"], _number(row.length)
        one["next_pins"] = [
            Pin(pin.number, round(pin.percent + shift, 2), pin.width, pin.words)
            for pin in after["pins"]
        ]


def _ticks(length: float, width: float, axis: Axis) -> list[strips.Tick]:
    found = []
    for number in range(2 if axis.is_double else 1):
        for minute in range(0, int(length), strips.HOURS_BETWEEN_TICKS * 60):
            place = round(100 * (number * length + minute) / width, 2)
            hour = minute // 60
            found.append(strips.Tick(place, f"{hour}" if axis.name in (ZT, TAU) else f"{hour:02}"))
    return found


def _number(minutes: float) -> str:
    """A length in minutes as SVG reads it, in every language."""
    return f"{minutes:g}"
