"""A rack as a small map: where its cages stand, and which of them need somebody to look."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cages.models import Condition, Rack, Rank
from cages.models.cage import CageQuerySet
from cages.models.cycle import runs_of
from cages.models.place import LARGEST_GRID, row_number
from cages.places.grid import Position, extent_of, has_cell, rows_are_numbers

CONDITIONS = {rank: rank.condition for rank in Rank}


@dataclass(frozen=True, slots=True)
class RackMap:
    """`paths`: [(Condition, SVG path of its bays)], one unit for each row and each column."""

    columns: int
    rows: int
    paths: list[tuple[Condition, str]]
    bays: str


def maps_of(cages: CageQuerySet, rack_ids: Collection[int], now: datetime) -> dict[int, RackMap]:
    """{id of a rack: RackMap} for the racks in which a cage has a bay. Two queries.

    The cages that the person may not see are not drawn.
    """
    # The type checker does not know the columns that are annotated.
    bays: Any = cages.filter(rack__in=rack_ids).with_rank(now).order_by()
    by_rack: dict[int, dict[Position, Rank]] = defaultdict(dict)
    for rack_id, row, column, rank in bays.values_list("rack_id", "row", "column", "rank"):
        if has_cell(row, column):
            by_rack[rack_id][row, column] = Rank(rank)
    racks = Rack.objects.in_bulk(list(by_rack))
    return {pk: map_of(racks[pk], ranks) for pk, ranks in by_rack.items() if pk in racks}


def map_of(rack: Rack, ranks: dict[Position, Rank]) -> RackMap:
    """The RackMap of a rack with a cage of this rank in each of these bays."""
    numbered = rows_are_numbers(ranks, rack)
    rows, columns = extent_of(ranks, numbered)
    rows, columns = max(rows, rack.row_count or 0), max(columns, rack.column_count or 0)
    # Rows named in the other way are drawn below, as the page of the rack does.
    odd = sorted({row for row, _column in ranks if row.isdigit() != numbered}, key=row_number)
    lines = {row: rows + number for number, row in enumerate(odd)}
    drawn: dict[Condition, list[tuple[int, int]]] = defaultdict(list)
    for (row, column), rank in ranks.items():
        drawn[CONDITIONS[rank]].append((lines.get(row, row_number(row) - 1), column - 1))
    rows += len(odd)
    paths = [(condition, _strokes(drawn[condition])) for condition in Condition if drawn[condition]]
    whole = "".join(f"M0 {line}.5h{columns}" for line in range(rows))
    return RackMap(columns, rows, paths, whole)


def _strokes(bays: Iterable[tuple[int, int]]) -> str:
    """An SVG path of (line, column); bays side by side are one stroke."""
    # No rack has as many columns, so no run goes on into the next line.
    width = LARGEST_GRID + 2
    runs = runs_of(sorted(line * width + column for line, column in bays))
    return "".join(
        f"M{first % width} {first // width}.5h{last - first + 1}" for first, last in runs
    )
