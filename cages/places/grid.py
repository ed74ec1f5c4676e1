"""One rack as it stands: which cage is in which bay."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

from django.db.models import Case, Q, Value, When
from django.utils import timezone

from cages.models import Cage, Condition, Rack, Tally
from cages.models.cage import CageQuerySet
from cages.models.place import LARGEST_GRID, bay_name, bay_row, row_label, row_number
from people.access import Access

# A row and a column of a rack.
Position = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Bay:
    """One place in a rack: with a cage, taken by a cage that the person may not see, or empty."""

    row: str
    column: int
    cage: Cage | None = None
    condition: Condition | None = None
    is_taken: bool = False

    @property
    def name(self) -> str:
        return bay_name(self.row, self.column)

    @property
    def is_empty(self) -> bool:
        return self.cage is None and not self.is_taken

    @property
    def query(self) -> str:
        """The bay as it appears in a URL."""
        return urlencode({"row": self.row, "column": self.column})


@dataclass(frozen=True, slots=True)
class Grid:
    """One rack in its physical order, and beside it the cages that have no bay in it."""

    rack: Rack
    columns: range
    rows: list[tuple[str, list[Bay]]]
    beside: list[tuple[Cage, Condition]]
    used: frozenset[Position]
    counts: Tally

    @property
    def extent(self) -> tuple[int, int]:
        """(rows, columns) as drawn. Rows named in the other way are not counted."""
        numbered = rows_are_numbers(self.used, self.rack)
        counted = [label for label, _row in self.rows if label.isdigit() == numbered]
        return len(counted), len(self.columns)

    def bay_at(self, row: str, column: str) -> Bay | None:
        """Return the bay with this row and column, as a URL names them."""
        wanted = (bay_row(row), column.lstrip("0"))
        bays = (bay for _label, bays in self.rows for bay in bays)
        return next((bay for bay in bays if (bay.row, str(bay.column)) == wanted), None)


def find(access: Access, rack_id: int, now: datetime) -> Grid | None:
    """Return the rack as the person sees it; None where they see no cage in it.

    Two queries. A cage that the person may not see is shown as a taken bay and nothing else.
    """
    everything = Cage.objects.active().filter(rack=rack_id)
    seen = access.marked(access.sees(everything)).select_related(
        "owner", "state", "room", "rack__room"
    )
    seen = seen.with_animals(timezone.localtime(now).date())
    cages = list(seen.order_by("label_sort_key", "id"))
    if not cages:
        return None
    others = access.sees_not(everything).exclude(row="").exclude(column=None)
    rack = cast("Rack", cages[0].rack)
    return grid_of(rack, cages, others.values_list("row", "column"), now)


def grid_of(
    rack: Rack, cages: Collection[Cage], taken: Iterable[Iterable[Any]], now: datetime
) -> Grid:
    """Return the grid of a rack. taken: the (row, column) of cages that are not to be shown."""
    stands: dict[Position, Cage] = {}
    beside = []
    for cage in cages:
        if cage.column and has_cell(cage.row, cage.column):
            stands[cage.row, cage.column] = cage
        else:
            beside.append((cage, cage.condition(now)))
    hidden = {(row, column) for row, column in taken if has_cell(row, column)}
    used = frozenset(stands.keys() | hidden)
    labels, columns = rows_and_columns(used, rack)
    numbers = range(1, columns + 1)

    def bay(row: str, column: int) -> Bay:
        cage = stands.get((row, column))
        condition = cage.condition(now) if cage else None
        return Bay(row, column, cage, condition, (row, column) in hidden)

    return Grid(
        rack=rack,
        columns=numbers,
        rows=[(label, [bay(label, column) for column in numbers]) for label in labels],
        beside=beside,
        used=used,
        counts=Tally(Counter(cage.current_rank(now) for cage in cages)),
    )


def rows_and_columns(used: Collection[Position], rack: Rack) -> tuple[list[str], int]:
    """Return (the labels of the rows, the number of columns) with which a rack is drawn.

    As large as its size says or its cages need. Rows named in the other way are the last ones.
    """
    numbered = rows_are_numbers(used, rack)
    rows, columns = extent_of(used, numbered)
    rows, columns = max(rows, rack.row_count or 0), max(columns, rack.column_count or 0)
    labels = [row_label(number, numbered) for number in range(1, rows + 1)]
    odd = {row for row, _column in used} - set(labels)
    return [*labels, *sorted(odd, key=row_number)], columns


def extent_of(used: Collection[Position], numbered: bool) -> tuple[int, int]:
    """Return the (rows, columns) that these bays need, where rows have numbers, or have not."""
    rows = (row_number(row) for row, _column in used if row.isdigit() == numbered)
    return max(rows, default=0), max((column for _row, column in used), default=0)


def nearest_first(cages: CageQuerySet, rack: Rack) -> CageQuerySet:
    """Order cages: without a bay in the rack, others of the rack, of its room, all others."""
    here = Q(rack=rack)
    nearness = Case(
        When(here & (Q(row="") | Q(column=None)), then=0),
        When(here, then=1),
        When(room=rack.room_id, then=2),
        default=Value(3),
    )
    return cages.alias(nearness=nearness).order_by("nearness", "label_sort_key", "id")


def has_cell(row: str, column: int | None) -> bool:
    """Whether a grid has a cell for this bay."""
    if not row or not column or column > LARGEST_GRID:
        return False
    return row_number(row) <= LARGEST_GRID


def rows_are_numbers(used: Collection[Position], rack: Rack) -> bool:
    """Whether its rows have numbers: as the rack's size says, else as most of its cages do."""
    if rack.has_size:
        return rack.rows_are_numbers
    numbers = sum(row.isdigit() for row, _column in used)
    return numbers > len(used) - numbers
