"""The eyes-on ledger as a file: one row for each cage and day."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from cages.exporting import dictionary
from cages.exporting.columns import CAGE, Column
from cages.exporting.files import Pieces, csv_of
from cages.exporting.workbook import workbook
from cages.history.buckets import buckets_of
from cages.history.window import DAY, Window
from cages.models import Cage
from cages.slots import slot_of
from welfare.eyes_on import Housed, ledger_of, whole_days
from welfare.study_looks import SEEN

# A piece of the file has so many days of all cages.
DAYS_AT_ONCE = 7
DAYS_AT_MOST = 366
COLUMNS = [
    Column("day", "text", _("The day of the facility.")),
    Column("weekday", "integer", _("1 is Monday, 7 is Sunday.")),
    *CAGE,
    Column("position", "text", _("Where it stood at the time of the export.")),
    *SEEN,
    Column("first_by", "text", _("Who that was.")),
    Column("minutes", "integer", _("Minutes of the day so far since the cage was created.")),
    Column("watched", "integer", _("Minutes in which Neurocage asked the sensor.")),
    Column("known", "integer", _("Minutes with a reading.")),
]
dictionary.OTHER_FILES["looks"] = COLUMNS
Row = tuple[str | int | None, ...]


def csv_pieces(cages: Sequence[Cage], first: date, last: date, now: datetime) -> Pieces:
    """Yield the pieces of a CSV file, DAYS_AT_ONCE at a time."""
    yield csv_of([[column.name for column in COLUMNS]]).encode()
    for rows in _batches(cages, first, last, now):
        yield csv_of(rows).encode()


def workbook_pieces(cages: Sequence[Cage], first: date, last: date, now: datetime) -> Pieces:
    """The same as a workbook."""
    return workbook(COLUMNS, _batches(cages, first, last, now))


def _batches(cages: Sequence[Cage], first: date, last: date, now: datetime) -> Iterator[list[Row]]:
    housed = Housed(cages)
    while first <= last:
        end = min(first + (DAYS_AT_ONCE - 1) * DAY, last)
        yield list(_rows(cages, whole_days(first, end), housed, now))
        first = end + DAY


def _rows(cages: Sequence[Cage], window: Window, housed: Housed, now: datetime) -> Iterator[Row]:
    ledger = ledger_of(cages, window, housed)
    past = Window(window.start, max(window.start, min(window.end, slot_of(now))))
    buckets = buckets_of([cage.pk for cage in cages], past, by_hour=False)
    for number, one in enumerate(ledger.days):
        for cage in cages:
            own: list[Any] = list(ledger.sights.get(cage.pk, {}).get(one.day, ()))
            begun = buckets[cage.pk][number] if number < len(buckets[cage.pk]) else None
            minutes = begun.window.since(cage.created_at).minutes if begun else 0
            yield (
                one.day.isoformat(),
                one.day.isoweekday(),
                cage.pk,
                cage.label,
                cage.position,
                ledger.by_cage[cage.pk][number].value,
                len(own),
                f"{localtime(own[0].at):%Y-%m-%dT%H:%M:%S}" if own else None,
                own[0].by if own else None,
                minutes,
                begun.minutes - begun.health.not_watched if begun else 0,
                begun.known if begun else 0,
            )
