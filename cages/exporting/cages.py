"""The cages themselves, in the columns of the import. To read the file again changes nothing."""

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from cages.exporting.columns import Column
from cages.exporting.files import Pieces, csv_of
from cages.exporting.workbook import workbook
from cages.models import Cage
from cages.models.cage import CageQuerySet
from cages.models.fields import CageField, fields_for
from people.access import Access

BATCH = 1000
WHOLE_NUMBERS = ("column", "animal_count")
ID = Column("id", "integer", _("The id of the cage in the sensor API."))


def sheet_columns(access: Access) -> list[Column]:
    """The columns of the import that this person may fill in."""
    return [ID, *(_column(field) for field in fields_for(access))]


def as_sheet(cages: CageQuerySet, access: Access, format: str) -> Pieces:
    """Yield the pieces of a file with these cages, by id. format: "excel" or "csv"."""
    columns = sheet_columns(access)
    return WRITERS[format](columns, _rows(cages, fields_for(access)))


def _column(field: CageField) -> Column:
    kind = "integer" if field.name in WHOLE_NUMBERS else "text"
    return Column(field.name, kind, field.meaning)


def _rows(cages: CageQuerySet, fields: list[CageField]) -> Iterator[list[tuple[str, ...]]]:
    cages = cages.order_by("pk").select_related("owner", "room", "rack")
    last = 0
    while batch := list(cages.filter(pk__gt=last)[:BATCH]):
        last = batch[-1].pk
        yield [_row(cage, fields) for cage in batch]


def _row(cage: Cage, fields: list[CageField]) -> tuple[str, ...]:
    return (str(cage.pk), *(field.cell(cage) for field in fields))


def _as_csv(columns: list[Column], batches: Iterator[list[tuple[Any, ...]]]) -> Pieces:
    yield csv_of([[column.name for column in columns]]).encode()
    for batch in batches:
        yield csv_of(batch).encode()


Writer = Callable[[list[Column], Iterator[list[tuple[Any, ...]]]], Pieces]
WRITERS: dict[str, Writer] = {"csv": _as_csv, "excel": workbook}


def template(access: Access, format: str) -> Pieces:
    """Yield the pieces of a file with only the names of the columns, to fill in."""
    return WRITERS[format](sheet_columns(access), iter(()))
