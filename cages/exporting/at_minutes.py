"""What is said of the minutes of an export beside their polls, for a batch of cages.

Light, handling and groups come as runs and not as rows, so a batch costs the same few queries for
a day and for years.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cages.history.animals import Stretch, stretches_of
from cages.history.handling import marks_of
from cages.history.light import LightPhase, LightRun, Runs, light_of
from cages.history.not_known import Cycles, Spans, spans_without_polls, whys_without_polls
from cages.history.window import Window
from cages.models import Mark
from cages.slots import SLOT_LENGTH, slot_of

# Their runs are in memory at the same time: 20 cages with schedules of their own have 15,000 a
# year.
BATCH = 20
# How much of the ledger is read at a time.
LEDGER_MINUTES = 31 * 24 * 60
BETWEEN_KINDS = "+"
Column = list[Any]


@dataclass(frozen=True, slots=True)
class AtMinutes:
    """What is known about the minutes of one cage in a window."""

    light: Runs
    marks: list[Mark]
    stretches: list[Stretch]
    spans: Spans

    @classmethod
    def of(cls, cage_ids: Iterable[int], window: Window) -> dict[int, Self]:
        """{cage id: its AtMinutes}; six queries at most, however many cages."""
        cages = list(cage_ids)
        light, marks = light_of(cages, window), marks_of(cages, window)
        stretches, spans = stretches_of(cages, window), spans_without_polls(cages, window)
        return {
            cage_id: cls(light[cage_id], marks[cage_id], stretches[cage_id], spans[cage_id])
            for cage_id in cages
        }

    @classmethod
    def nothing(cls, window: Window) -> Self:
        """What is known about a cage that was purged."""
        return cls([LightRun(window, LightPhase.UNKNOWN)], [], [Stretch(window, ())], [])

    def whys(self, created_at: datetime, cycles: Cycles, part: Window) -> list[str | None]:
        """Why each minute of the part would have no poll (`Why`)."""
        return whys_without_polls(created_at, self.spans, cycles.there(part), part)

    def columns(self, part: Window) -> list[Column]:
        """[light_phase, zt_minutes, schedule_version, handling, group] of the part's minutes."""
        phases: Column = []
        zts: Column = []
        versions: Column = []
        for run in self.light:
            begin, end = max(run.window.start, part.start), min(run.window.end, part.end)
            count = (end - begin) // SLOT_LENGTH
            if count <= 0:
                continue
            phases += [run.phase.word or None] * count
            versions += [run.version] * count
            first = run.zt_minutes(begin)
            zts += [None] * count if first is None else range(first, first + count)
        return [phases, zts, versions, self._handling(part), self._groups(part)]

    def _handling(self, part: Window) -> Column:
        """The kinds of the marks that last in each minute, by name, without any margin."""
        words: Column = [None] * part.minutes
        for mark in self.marks:
            if not mark.kind.is_handling:
                continue
            first = max((slot_of(mark.starts_at) - part.start) // SLOT_LENGTH, 0)
            last = min((slot_of(mark.ends_at) - part.start) // SLOT_LENGTH, part.minutes - 1)
            for number in range(first, last + 1):
                kinds = {*words[number].split(BETWEEN_KINDS)} if words[number] else set()
                words[number] = BETWEEN_KINDS.join(sorted({*kinds, mark.kind.word}))
        return words

    def _groups(self, part: Window) -> Column:
        groups: Column = []
        for stretch in self.stretches:
            begin, end = max(stretch.window.start, part.start), min(stretch.window.end, part.end)
            groups += [stretch.group or None] * max((end - begin) // SLOT_LENGTH, 0)
        return groups


def cycles_of(window: Window) -> Cycles:
    """The ledger of a window, read in steps."""
    return Cycles(window, LEDGER_MINUTES)
