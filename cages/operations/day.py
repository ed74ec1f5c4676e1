"""The ledger of the last 24 hours as a picture: a row for each hour, a stroke for each minute."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cages.history.summaries import Share
from cages.history.window import HOUR
from cages.models import PollCycle
from cages.slots import SLOT_LENGTH, slot_of

HOURS_SHOWN = 24
MINUTES_OF_AN_HOUR = 60
# What a minute was, as one byte each: all that were planned were asked; some were skipped; its
# cycle has not finished; no cycle. The last one is of minutes that are still to come.
WHOLE, SKIPPED, OPEN, NOT_WATCHED, TO_COME = range(5)
# (name, y of the stroke). The style sheet gives the strokes their widths, so that the kinds can be
# told apart without colour.
STROKES = {
    WHOLE: ("whole", 13),
    SKIPPED: ("skipped", 10),
    OPEN: ("open", 13),
    NOT_WATCHED: ("off", 8),
}
RUNS = {code: re.compile(rb"\x%02x+" % code) for code in STROKES}


@dataclass(slots=True)
class HourOfLedger:
    """One hour: its minutes as codes, and the sums of its cycles.

    longest_ms: the duration of its longest cycle, None without a finished one.
    """

    start: datetime
    codes: bytearray
    planned: int = 0
    skipped: int = 0
    answered: int = 0
    longest_ms: int | None = None

    @property
    def watched(self) -> Share:
        """Minutes with a cycle, of those that have begun."""
        begun = len(self.codes) - self.codes.count(TO_COME)
        return Share(begun - self.codes.count(NOT_WATCHED), begun)

    @property
    def answered_share(self) -> Share:
        """Of the polls that were sent."""
        return Share(self.answered, self.planned - self.skipped)

    @property
    def paths(self) -> list[tuple[str, str]]:
        """[(name of the kind, SVG path of its strokes)], one unit wide per minute."""
        found = []
        for code, (name, y) in STROKES.items():
            runs = [run.span() for run in RUNS[code].finditer(bytes(self.codes))]
            if runs:
                found.append((name, "".join(f"M{a} {y}h{b - a}" for a, b in runs)))
        return found


@dataclass(frozen=True, slots=True)
class Capacity:
    """The longest of the cycles that finished in the time shown.

    A cycle with more cages takes longer by at most as much as there are more cages, because some of
    the time is needed for any number of them. So it would not overrun below `overruns_from` cages.
    """

    cages: int
    longest_ms: int
    slot: datetime

    @property
    def used(self) -> Share:
        """Of the milliseconds of a minute."""
        return Share(self.longest_ms, SLOT_LENGTH // timedelta(milliseconds=1))

    @property
    def overruns_from(self) -> int | None:
        """The number of cages below which no cycle would take longer than a minute.

        None where this cycle did already, or took no time that was measured.
        """
        if not 0 < self.longest_ms <= self.used.total:
            return None
        return self.cages * self.used.total // self.longest_ms


@dataclass(frozen=True, slots=True)
class Day:
    """The hours, oldest first, the one under way last. capacity: None without a finished cycle."""

    hours: list[HourOfLedger] = field(default_factory=list)
    capacity: Capacity | None = None


def day_of_ledger(now: datetime) -> Day:
    """The last HOURS_SHOWN hours of UTC up to now. One query."""
    this = slot_of(now).replace(minute=0)
    first = this - (HOURS_SHOWN - 1) * HOUR
    hours = [_empty(first + number * HOUR, now) for number in range(HOURS_SHOWN)]
    by_start: Mapping[datetime, HourOfLedger] = {hour.start: hour for hour in hours}
    longest: Capacity | None = None
    cycles = PollCycle.objects.until(now).filter(slot__gte=first).order_by("slot")
    for slot, finished_at, planned, skipped, answered, ms in cycles.values_list(
        "slot", "finished_at", "planned", "skipped", "answered", "duration_ms"
    ):
        hour = by_start.get(slot.replace(minute=0))
        if hour is None:
            continue
        hour.codes[slot.minute] = OPEN if finished_at is None else SKIPPED if skipped else WHOLE
        hour.planned += planned
        hour.skipped += skipped
        hour.answered += answered
        if ms is None:
            continue
        hour.longest_ms = max(ms, hour.longest_ms or 0)
        # One in which cages were skipped says nothing of how long all of them take.
        if not skipped and planned and (longest is None or ms > longest.longest_ms):
            longest = Capacity(planned, ms, slot)
    return Day(hours, longest)


def _empty(start: datetime, now: datetime) -> HourOfLedger:
    """An hour without any cycle. The minute under way counts when its cycle is there."""
    begun = min(max((slot_of(now) - start) // SLOT_LENGTH, 0), MINUTES_OF_AN_HOUR)
    codes = bytes([NOT_WATCHED]) * begun + bytes([TO_COME]) * (MINUTES_OF_AN_HOUR - begun)
    return HourOfLedger(start, bytearray(codes))
