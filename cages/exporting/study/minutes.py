"""The minutes of a study, with what is excluded, and the sums of them for each hour and cage.

The sums are made from the very minutes that are written, so they always agree with the file.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import IO, Any

from django.utils.translation import gettext_lazy as _

from cages.exporting.at_minutes import BATCH, AtMinutes
from cages.exporting.columns import CAGE, READINGS, Column
from cages.exporting.files import csv_of, in_words
from cages.exporting.rows import readings
from cages.exporting.study.order import Exclusion, StudyOrder
from cages.history.animals import stretches_of
from cages.history.groups import Tally
from cages.history.handling import disturbed, marks_of
from cages.history.light import LightPhase
from cages.history.minutes import Minute
from cages.history.not_known import Why
from cages.history.window import Window
from cages.models import Health, Mark
from cages.slots import SLOT_LENGTH

HOUR_MINUTES = 60
HANDLING = "handling"
BETWEEN = "; "
PARTS = ("excluded", "perfect", "ok", "bad", "unanswered", "not_watched")
EXCLUDED = Column(
    "excluded",
    "text",
    _(
        "Why this minute does not count in the sums: handling, or a reason in words. "
        "Empty: it does."
    ),
)
MINUTES = [*READINGS, EXCLUDED]
SUMS = [
    Column("minutes", "integer", _("All minutes. The next six columns add up to it.")),
    Column("excluded", "integer", _("Minutes that are excluded.")),
    Column("perfect", "integer", _("Minutes known to be Perfect.")),
    Column("ok", "integer", _("Minutes known to be Ok.")),
    Column("bad", "integer", _("Minutes known to be Bad.")),
    Column("unanswered", "integer", _("Minutes polled without a valid answer.")),
    Column("not_watched", "integer", _("Minutes not polled, whatever the reason.")),
]
HOURS = [*CAGE, Column("hour_utc", "moment", _("The beginning of the hour, in UTC.")), *SUMS]
COVERAGE = [*CAGE, *SUMS]
# Where these stand in a row of READINGS, which has one number for its three columns of time.
SECONDS, STATUS, WATCHED, WHY, PHASE = 2, 3, 8, 9, 10
PHASE_OF = {phase.word or None: phase for phase in LightPhase}
WORD_OF = {int(status): status.word for status in Health}


@dataclass(slots=True)
class CageSums:
    """The sums of one cage. polls: how many the database has of its minutes, skipped ones too."""

    cage_id: int
    label: str
    counts: Counter[str] = field(default_factory=Counter)
    polls: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def minutes(self) -> int:
        return self.counts.total()

    @property
    def known(self) -> int:
        return sum(self.counts[status.word] for status in Health)

    @property
    def row(self) -> tuple[Any, ...]:
        return (self.cage_id, self.label, *_sums(self.counts))


@dataclass(slots=True)
class StudyMinutes:
    """Writes the minutes of a study. hours: takes the rows of the hours meanwhile.

    tallies: {cage id: its minutes by phase and by group}.
    """

    order: StudyOrder
    zone: tzinfo
    hours: IO[bytes]
    cages: dict[int, CageSums] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)
    hour_rows: int = 0

    def pieces(self) -> Iterator[bytes]:
        """Yield the file of minutes as CSV, a piece for each month of a cage."""
        yield csv_of([[column.name for column in MINUTES]]).encode()
        self.hours.write(csv_of([[column.name for column in HOURS]]).encode())
        around = self.order.margin or timedelta()
        for first in range(0, len(self.order.cages), BATCH):
            batch = self.order.cages[first : first + BATCH]
            ids = [cage_id for cage_id, *_rest in batch if cage_id not in self.order.purged]
            stretches = stretches_of(ids, self.order.window)
            nobody = AtMinutes.nothing(self.order.window).stretches
            for cage_id, label, _created_at in batch:
                self.cages[cage_id] = CageSums(cage_id, label)
                self.tallies[cage_id] = Tally(cage_id, label, stretches.get(cage_id, nobody))
            has_margin = self.order.margin is not None
            marks = marks_of(ids, self.order.window, around) if has_margin else {}
            for rows in readings(batch, self.order.window, self.order.purged):
                if rows:
                    yield self._piece(rows, marks.get(rows[0][0], []))

    def _piece(self, rows: list[tuple[Any, ...]], marks: list[Mark]) -> bytes:
        sums = self.cages[rows[0][0]]
        begin = datetime.fromtimestamp(rows[0][SECONDS], tz=UTC)
        part = Window(begin, begin + len(rows) * SLOT_LENGTH)
        reasons = self._reasons(part, marks)
        self._add(sums, rows, reasons)
        self.tallies[sums.cage_id].add(
            part,
            bytes(_code_of(row) for row in rows),
            bytes(PHASE_OF[row[PHASE]] for row in rows),
            bytes(reason is not None for reason in reasons),
        )
        piece = csv_of(
            in_words((*row, reason), self.zone) for row, reason in zip(rows, reasons, strict=True)
        ).encode()
        sums.digest.update(piece)
        return piece

    def _reasons(self, part: Window, marks: list[Mark]) -> list[str | None]:
        """Why each minute of the part is excluded."""
        reasons: list[str | None] = [None] * part.minutes
        if self.order.margin is not None:
            mask = disturbed(marks, part, self.order.margin)
            reasons = [HANDLING if is_out else None for is_out in mask]
        for exclusion in self.order.exclusions:
            _exclude(reasons, exclusion, part)
        return reasons

    def _add(self, sums: CageSums, rows: list[tuple[Any, ...]], reasons: list[str | None]) -> None:
        kinds = [_part_of(row, reason) for row, reason in zip(rows, reasons, strict=True)]
        sums.polls += sum(row[WHY] in (None, Why.UNANSWERED, Why.SKIPPED) for row in rows)
        lines, first = [], 0
        while first < len(rows):
            hour = rows[first][SECONDS] // 3600 * 3600
            end = min(first + HOUR_MINUTES - (rows[first][SECONDS] - hour) // 60, len(rows))
            counts = Counter(kinds[first:end])
            sums.counts += counts
            at = datetime.fromtimestamp(hour, tz=UTC)
            lines.append((sums.cage_id, sums.label, f"{at:%Y-%m-%dT%H:%M:%SZ}", *_sums(counts)))
            first = end
        self.hour_rows += len(lines)
        self.hours.write(csv_of(lines).encode())


def _exclude(reasons: list[str | None], exclusion: Exclusion, part: Window) -> None:
    first = max((exclusion.window.start - part.start) // SLOT_LENGTH, 0)
    end = min((exclusion.window.end - part.start) // SLOT_LENGTH, part.minutes)
    for number in range(first, end):
        before = reasons[number]
        reasons[number] = f"{before}{BETWEEN}{exclusion.reason}" if before else exclusion.reason


def _part_of(row: tuple[Any, ...], reason: str | None) -> str:
    if reason:
        return "excluded"
    if row[STATUS] is not None:
        return WORD_OF[row[STATUS]]
    return "unanswered" if row[WATCHED] else "not_watched"


def _code_of(row: tuple[Any, ...]) -> int:
    unknown = Minute.NO_ANSWER if row[WATCHED] else Minute.NOT_WATCHED
    return int(unknown if row[STATUS] is None else row[STATUS])


def _sums(counts: Counter[str]) -> tuple[int, ...]:
    return (counts.total(), *(counts[name] for name in PARTS))
