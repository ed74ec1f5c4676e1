"""Light on pages: phases as bands over strips, and in words.

A dark phase is a thick band and light a thin line, so that both can be read without colour. Where
there is no schedule there is neither.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from cages.drawing.words import date_and_time, time_of_day
from cages.history.facility_light import light_of_facility
from cages.history.light import LightPhase, LightRun, Runs, run_at, spans_of
from cages.history.window import Window
from cages.models import LightPeriod, LightSchedule
from cages.slots import SLOT_LENGTH, slot_of

# Of the band above the bars, in the units of a strip. The style sheet has these heights too.
BAND_HEIGHT = 4
BAND_Y = {LightPhase.DARK: -2.5, LightPhase.LIGHT: -1.5}


@dataclass(frozen=True, slots=True)
class Shade:
    """The phases of a strip. paths: [(name, SVG path of its strokes)], one unit wide per minute.

    data: what js/strips.js reads: [[first minute, end, phase, ZT of the first minute or null]].
    """

    paths: list[tuple[str, str]]
    data: str


def shade_of(runs: Iterable[LightRun], begin: datetime, first: int, end: int) -> Shade | None:
    """The Shade of the minutes from `first` up to `end` after the slot `begin`.

    None where no schedule is known.
    """
    bands: dict[LightPhase, list[str]] = {LightPhase.DARK: [], LightPhase.LIGHT: []}
    shadow, data = [], []
    for run in runs:
        start = max((run.window.start - begin) // SLOT_LENGTH, first)
        stop = min((run.window.end - begin) // SLOT_LENGTH, end)
        if start >= stop or run.phase == LightPhase.UNKNOWN:
            continue
        bands[run.phase].append(f"M{start} {BAND_Y[run.phase]}h{stop - start}")
        if run.phase == LightPhase.DARK:
            shadow.append(f"M{start} 8h{stop - start}")
        data.append([start, stop, run.phase.value, run.zt_minutes(begin + start * SLOT_LENGTH)])
    if not data:
        return None
    paths = [
        ("shadow", "".join(shadow)),
        ("dark", "".join(bands[LightPhase.DARK])),
        ("lit", "".join(bands[LightPhase.LIGHT])),
    ]
    return Shade([path for path in paths if path[1]], json.dumps(data, separators=(",", ":")))


def zt(minutes: int) -> str:
    """Minutes since lights on as "ZT 13:05"."""
    return f"ZT {minutes // 60}:{minutes % 60:02}"


def at_slot(runs: Runs, slot: datetime) -> str:
    """The light in this slot: "ZT 0:12, lights on since 07:00"; "" outside of the runs.

    They begin a day or more before the slot, so that the phase has its true beginning.
    """
    run = run_at(runs, slot)
    if run is None:
        return ""
    minutes, told = run.zt_minutes(slot), _since(runs, run)
    return told if minutes is None else f"{zt(minutes)}, {told}"


def _since(runs: Runs, run: LightRun) -> str:
    schedule = run.schedule
    if schedule is None:
        return str(LightPhase.UNKNOWN.label)
    if not schedule.is_cycle:
        return schedule.times
    # Another schedule may have begun within the phase.
    spans = spans_of(runs, run.phase)
    start = next(span.start for span in spans if span.start <= run.window.start < span.end)
    begun = {"clock": time_of_day(start)}
    if run.phase == LightPhase.LIGHT:
        return _("lights on since %(clock)s") % begun
    return _("dark since %(clock)s") % begun


def of_facility(now: datetime) -> dict[str, str]:
    """The light of all rooms: `words` "ZT 0:12, light phase", and `data` with which they go on.

    data: [[start, end, phase, the moment of ZT 0 or null]], in seconds since 1970. Empty where
    rooms differ or nobody knows.
    """
    runs, slot = light_of_facility(now), slot_of(now)
    run = run_at(runs, slot)
    if run is None:
        return {}
    minutes = run.zt_minutes(slot)
    told = run.phase.label if minutes is None else f"{zt(minutes)}, {run.phase.label}"
    data = [
        [
            _seconds(one.window.start),
            _seconds(one.window.end),
            one.phase.value,
            _seconds(one.zt_from),
        ]
        for one in runs
        if one.window.end > slot
    ]
    return {"words": told, "data": json.dumps(data, separators=(",", ":"))}


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None


def minutes_by_phase(runs: Sequence[LightRun], window: Window) -> str:
    """The light of a Window: "dark phase", or "light phase 30 min, dark phase 30 min"."""
    counts: dict[LightPhase, int] = {}
    number = bisect_right(runs, window.start, key=lambda run: run.window.start) - 1
    for run in takewhile(lambda one: one.window.start < window.end, runs[max(number, 0) :]):
        start, end = max(run.window.start, window.start), min(run.window.end, window.end)
        if start < end:
            counts[run.phase] = counts.get(run.phase, 0) + Window(start, end).minutes
    if len(counts) == 1:
        return next(iter(counts)).label
    return ", ".join(f"{phase.label} {count} min" for phase, count in counts.items())


def day_and_clock(moment: datetime) -> str:
    """The facility's day with its weekday, and the time: "Mon 2026-03-02 07:00"."""
    return f"{formats.date_format(timezone.localtime(moment), 'D')} {date_and_time(moment)}"


def schedule_in_words(schedule: LightSchedule | None, is_room: bool) -> str:
    """The schedule's name with its times, or what it means that there is none."""
    if schedule is None:
        return _("nobody knows the light") if is_room else _("as its room")
    if not schedule.is_cycle or schedule.times in schedule.name:
        return schedule.name
    return f"{schedule.name} ({schedule.times})"


def change_in_words(period: LightPeriod, after: LightPeriod | None) -> str:
    """What a new period changes. after: the next one that there is already."""
    told = {
        "schedule": schedule_in_words(period.schedule, period.room_id is not None),
        "start": day_and_clock(period.starts_at),
    }
    if after is None:
        words = _("%(schedule)s, from %(start)s on. Days before stay as they were.")
        return words % told
    words = _(
        "%(schedule)s, from %(start)s until the next change on %(end)s. "
        "Days before and after stay as they were."
    )
    return words % {**told, "end": day_and_clock(after.starts_at)}
