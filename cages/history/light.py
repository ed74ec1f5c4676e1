"""When it was light and dark for a cage: the light phases of a window, and ZT.

What is dark by the schedule is told; nobody measured it. Without a schedule the phase is unknown.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import pairwise

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cages.history.summaries import HealthSummary, health_of
from cages.history.wall_clock import moment_on
from cages.history.window import DAY, Window
from cages.models import LightPeriod, LightSchedule, Stay
from cages.models.light import Regime
from cages.slots import SLOT_LENGTH, slot_from, slot_of

# A dark phase is shorter than a day, and the next one follows within two.
LAST_PHASE_WITHIN = 4 * DAY


class LightPhase(IntEnum):
    """What the schedule says. The numbers are the codes of `phases_of`."""

    UNKNOWN = 0
    LIGHT = 1
    DARK = 2

    @property
    def word(self) -> str:
        """The name in exports and the API; empty where nothing is known."""
        return "" if self is LightPhase.UNKNOWN else self.name.lower()

    @property
    def label(self) -> str:
        return str(LABELS[self])


LABELS = {
    LightPhase.UNKNOWN: _("no light schedule"),
    LightPhase.LIGHT: _("light phase"),
    LightPhase.DARK: _("dark phase"),
}


@dataclass(frozen=True, slots=True)
class LightRun:
    """A part of a window with one phase by one schedule.

    zt_from: the moment of lights on that ZT counts from; None where light is constant or unknown.
    period: the LightPeriod that it follows, or None.
    """

    window: Window
    phase: LightPhase
    zt_from: datetime | None = None
    period: LightPeriod | None = None

    @property
    def version(self) -> int | None:
        """The `schedule_version` of exports."""
        return self.period.pk if self.period else None

    @property
    def schedule(self) -> LightSchedule | None:
        return self.period.schedule if self.period else None

    def zt_minutes(self, slot: datetime) -> int | None:
        """Whole minutes since lights on. On a day of 25 hours it can reach 1,499."""
        return None if self.zt_from is None else (slot - self.zt_from) // SLOT_LENGTH


# Runs that follow each other without a gap, oldest first.
Runs = list[LightRun]


@dataclass(frozen=True, slots=True)
class LightDay:
    """A part of a window whose ZT counts from one moment of lights on.

    lights_on: at the beginning of `window`, or before it where the window or another schedule
    began within the day. A day is 23 or 25 hours long where the timer follows a clock that is set.
    """

    lights_on: datetime
    window: Window

    @property
    def begins_at(self) -> int:
        """Whole minutes from lights on to the beginning of the part."""
        return (self.window.start - self.lights_on) // SLOT_LENGTH


def light_of(cage_ids: Iterable[int], window: Window) -> dict[int, Runs]:
    """{cage id: the LightRuns that fill the window}; at most two queries, however many cages.

    A cage follows its own periods, and else those of the room that it stood in at that time.
    """
    cages = list(cage_ids)
    if not cages or not window.minutes:
        return {cage_id: [] for cage_id in cages}
    stays: dict[int, list[Stay]] = {cage_id: [] for cage_id in cages}
    for stay in Stay.objects.before(cages, window.end):
        stays[stay.cage_id].append(stay)
    rooms = {stay.room_id for found in stays.values() for stay in found} - {None}
    of_room: dict[int, list[LightPeriod]] = {}
    of_cage: dict[int, list[LightPeriod]] = {}
    there = Q(cage__in=cages) | Q(room__in=rooms)
    for period in LightPeriod.objects.before(window.end).filter(there):
        if period.cage_id:
            of_cage.setdefault(period.cage_id, []).append(period)
        else:
            of_room.setdefault(period.room_id or 0, []).append(period)
    # Most cages share a room, and the runs of a room are the same for all of them.
    shared: dict[tuple[int | None, Window], Runs] = {}
    found = {}
    for cage_id in cages:
        runs: Runs = []
        for part, own in _parts(of_cage.get(cage_id, []), window):
            if own and own.schedule:
                runs += runs_of(own, part)
                continue
            for piece, room_id in _rooms(stays[cage_id], part):
                key = (room_id, piece)
                if key not in shared:
                    shared[key] = _runs_of_room(of_room.get(room_id or 0, []), piece)
                runs += shared[key]
        found[cage_id] = runs
    return found


def light_of_room(room_id: int, window: Window) -> Runs:
    """The LightRuns of a room that fill the window; one query."""
    return light_of_rooms([room_id], window)[room_id]


def light_of_rooms(room_ids: Iterable[int], window: Window) -> dict[int, Runs]:
    """{room id: the LightRuns that fill the window}; one query, however many rooms."""
    found: dict[int, list[LightPeriod]] = {room_id: [] for room_id in room_ids}
    if not window.minutes:
        return {room_id: [] for room_id in found}
    for period in LightPeriod.objects.before(window.end).filter(room__in=list(found)):
        found[period.room_id or 0].append(period)
    return {room_id: _runs_of_room(periods, window) for room_id, periods in found.items()}


def _runs_of_room(periods: Sequence[LightPeriod], window: Window) -> Runs:
    return [run for part, period in _parts(periods, window) for run in runs_of(period, part)]


def _parts(
    periods: Sequence[LightPeriod], window: Window
) -> Iterator[tuple[Window, LightPeriod | None]]:
    """The window cut at the beginnings of these periods, which are oldest first."""
    starts = [slot_from(period.starts_at) for period in periods]
    number = bisect_right(starts, window.start) - 1
    inside = [start for start in starts if window.start < start < window.end]
    for start, end in pairwise([window.start, *sorted(set(inside)), window.end]):
        number = bisect_right(starts, start) - 1
        yield Window(start, end), periods[number] if number >= 0 else None


def _rooms(stays: Sequence[Stay], window: Window) -> Iterator[tuple[Window, int | None]]:
    """The window cut at the cage's moves. Its first stay counts from the beginning of time."""
    starts = [slot_from(stay.since) for stay in stays]
    inside = [start for start in starts[1:] if window.start < start < window.end]
    for start, end in pairwise([window.start, *sorted(set(inside)), window.end]):
        number = max(bisect_right(starts, start) - 1, 0)
        yield Window(start, end), stays[number].room_id if stays else None


def runs_of(period: LightPeriod | None, window: Window) -> Runs:
    """The LightRuns of one period that fill the window."""
    schedule = period.schedule if period else None
    if period is None or schedule is None:
        return [LightRun(window, LightPhase.UNKNOWN, period=period)]
    if not schedule.is_cycle:
        dark = schedule.regime == Regime.DARK
        phase = LightPhase.DARK if dark else LightPhase.LIGHT
        return [LightRun(window, phase, period=period)]
    runs: Runs = []
    lights_on: datetime | None = None
    for (start, is_on), (end, _is_on) in pairwise(_switches(schedule, window)):
        lights_on = start if is_on else lights_on
        part = Window(max(start, window.start), min(end, window.end))
        if part.start < part.end:
            phase = LightPhase.LIGHT if is_on else LightPhase.DARK
            runs.append(LightRun(part, phase, lights_on, period))
    return runs


def _switches(schedule: LightSchedule, window: Window) -> list[tuple[datetime, bool]]:
    """[(moment, whether the lights go on)] from before the window to after it, in order.

    A pulse of light or dark that the clock leaves out on the day on which it is set is two switches
    at one moment.
    """
    zone = schedule.zone
    both = ((schedule.lights_on, True), (schedule.lights_off, False))
    times = sorted((clock, is_on) for clock, is_on in both if clock is not None)
    # Two days more, so that the first one before the window is always lights on.
    day = window.start.astimezone(zone).date() - 2 * DAY
    last = window.end.astimezone(zone).date() + DAY
    found = []
    while day <= last:
        for clock, is_on in times:
            found.append((moment_on(datetime.combine(day, clock), zone), is_on))
        day += DAY
    return found if found[0][1] else found[1:]


def has_light(runs: Iterable[LightRun]) -> bool:
    """Whether a schedule is known for any part of them."""
    return any(run.phase != LightPhase.UNKNOWN for run in runs)


def phases_of(runs: Runs) -> bytes:
    """One LightPhase for each slot of the runs."""
    return b"".join([bytes([run.phase]) * run.window.minutes for run in runs])


def run_at(runs: Runs, slot: datetime) -> LightRun | None:
    """The run that the slot lies in, or None."""
    number = bisect_right([run.window.start for run in runs], slot) - 1
    found = runs[number] if number >= 0 else None
    return found if found and slot < found.window.end else None


def by_phase(minutes: bytes, runs: Runs) -> dict[LightPhase, HealthSummary]:
    """The health of these minutes in each phase that occurs. All sums together are all minutes."""
    parts: dict[LightPhase, bytearray] = {}
    first = 0
    for run in runs:
        end = first + run.window.minutes
        parts.setdefault(run.phase, bytearray()).extend(minutes[first:end])
        first = end
    return {phase: health_of(bytes(parts[phase])) for phase in LightPhase if phase in parts}


def days_by_zt(runs: Iterable[LightRun], window: Window) -> list[LightDay]:
    """The LightDays of the window, oldest first. Minutes without ZT are in none of them."""
    days: list[LightDay] = []
    for run in runs:
        part = Window(max(run.window.start, window.start), min(run.window.end, window.end))
        if run.zt_from is None or part.start >= part.end:
            continue
        if days and days[-1].lights_on == run.zt_from and days[-1].window.end == part.start:
            days[-1] = LightDay(run.zt_from, Window(days[-1].window.start, part.end))
        else:
            days.append(LightDay(run.zt_from, part))
    return days


def spans_of(runs: Runs, phase: LightPhase) -> list[Window]:
    """The whole spans of a phase, oldest first. Runs that touch are one span."""
    spans: list[Window] = []
    for run in runs:
        if run.phase != phase:
            continue
        if spans and spans[-1].end == run.window.start:
            spans[-1] = Window(spans[-1].start, run.window.end)
        else:
            spans.append(run.window)
    return spans


def dark_phases(runs: Runs, count: int) -> list[Window]:
    """The last dark phases that are over, newest first, at most `count`.

    One that begins with the first run may have begun before it, so it is none of them. Neither is
    one longer than a day: that is constant dark.
    """
    if not runs:
        return []
    begin, end = runs[0].window.start, runs[-1].window.end
    whole = [
        span
        for span in spans_of(runs, LightPhase.DARK)
        if begin < span.start and span.end < end and span.end - span.start < DAY
    ]
    return whole[::-1][:count]


def last_dark_phase(cage_id: int, now: datetime) -> Window | None:
    """The last dark phase of the cage that is over; None without a schedule. Two queries."""
    slot = slot_of(now)
    window = Window(slot - LAST_PHASE_WITHIN, slot + SLOT_LENGTH)
    runs = light_of([cage_id], window)[cage_id]
    return next((span for span in dark_phases(runs, 2) if span.end <= slot), None)
