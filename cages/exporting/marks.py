"""Marks as CSV, and what the columns mean, for the data dictionary."""

from datetime import datetime

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cages.exporting import dictionary
from cages.exporting.columns import Column
from cages.exporting.files import Pieces, csv_of
from cages.models import Mark
from cages.models.mark import BuiltIn, MarkQuerySet

BATCH = 500
COLUMNS = [
    Column("mark_id", "integer", _("The id of the mark.")),
    Column(
        "kind",
        "text",
        format_lazy(
            _("What was done: {words}, or the name of a kind of this facility."),
            words=", ".join(BuiltIn.values),
        ),
    ),
    Column("is_handling", "integer", _("1: it disturbs the animals.")),
    Column("cage_id", "integer", _("The id of the cage. Empty: it is about a rack or a room.")),
    Column("label", "text", _("The cage's label at the time of the export.")),
    Column("rack", "text", _("The name of the rack. Empty: it is about a cage or a room.")),
    Column("room", "text", _("The name of the room. Empty: it is about a cage, or about a rack.")),
    Column("starts_utc", "moment", _("When it began.")),
    Column("ends_utc", "moment", _("When it ended. The same as the start: it took a moment.")),
    Column("note", "text", _("What was written about it.")),
    Column("by", "text", _("Who noted it.")),
    Column("noted_utc", "moment", _("When it was noted, which may be long after the work.")),
    Column("withdrawn_utc", "moment", _("When it was withdrawn. Empty: it counts.")),
]
dictionary.OTHER_FILES["marks"] = COLUMNS


def pieces_of(marks: MarkQuerySet) -> Pieces:
    """Yield the pieces of a CSV file with these marks, by id."""
    yield csv_of([[column.name for column in COLUMNS]]).encode()
    last = 0
    while batch := list(marks.with_names().filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = batch[-1].pk
        yield csv_of(map(_row, batch)).encode()


def _row(mark: Mark) -> tuple[str | int | None, ...]:
    return (
        mark.pk,
        mark.kind.word,
        int(mark.kind.is_handling),
        mark.cage_id,
        mark.cage.label if mark.cage else None,
        mark.rack.name if mark.rack else None,
        mark.room.name if mark.room else None,
        _moment(mark.starts_at),
        _moment(mark.ends_at),
        mark.note,
        mark.by,
        _moment(mark.noted_at),
        _moment(mark.withdrawn_at),
    )


def _moment(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
