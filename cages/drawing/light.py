"""Light in words: what a schedule says at a moment, and what a change of it means."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from cages.drawing.words import date_and_time, time_of_day
from cages.history.light import LightPhase, LightRun, Runs, run_at, spans_of
from cages.history.window import Window
from cages.models import LightPeriod, LightSchedule


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


def minutes_by_phase(runs: Iterable[LightRun], window: Window) -> str:
    """The light of a Window: "dark phase", or "light phase 30 min, dark phase 30 min"."""
    counts: dict[LightPhase, int] = {}
    for run in runs:
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
