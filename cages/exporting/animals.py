"""The animals themselves: one row for each animal in each cage, of all days."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cages.exporting import dictionary
from cages.exporting.cages import WRITERS
from cages.exporting.columns import Column
from cages.exporting.files import Pieces
from cages.exporting.study.tables import ANIMALS, about_animal
from cages.models import Housing

# Their animals are in memory at the same time.
BATCH = 200
UNTIL = Column(
    "until", "text", _("The first day no longer in this cage. Empty: it lives there still.")
)
ARCHIVED = Column("archived", "text", _("The day the cage was archived. Empty: it is active."))
HOUSINGS = [*ANIMALS[:-1], UNTIL, ARCHIVED]
dictionary.OTHER_FILES["housings"] = HOUSINGS
# (id, label, archived_at) of each cage.
Cages = list[tuple[int, str, datetime | None]]


def housings(cages: Cages, format: str) -> Pieces:
    """Yield the pieces of a file, by cage and then by day. format: "excel" or "csv"."""
    return WRITERS[format](HOUSINGS, _rows(cages))


def _rows(cages: Cages) -> Iterator[list[tuple[Any, ...]]]:
    for first in range(0, len(cages), BATCH):
        batch = {
            pk: (label, archived_at) for pk, label, archived_at in cages[first : first + BATCH]
        }
        found = Housing.objects.of(batch).order_by("cage", "since", "animal__sort_key", "id")
        yield [_row(one, *batch[one.cage_id]) for one in found]


def _row(housing: Housing, label: str, archived_at: datetime | None) -> tuple[Any, ...]:
    archived = timezone.localtime(archived_at).date() if archived_at else None
    days = (_text(day) for day in (housing.since, housing.until, archived))
    return (housing.cage_id, label, *about_animal(housing.animal), *days)


def _text(day: Any) -> str | None:
    return day.isoformat() if day else None
