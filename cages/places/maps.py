"""A rack as a small map: where its cages stand, and which of them need somebody to look."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cages.models import Condition, Rack, Rank
from cages.models.cage import CageQuerySet
from cages.models.cycle import runs_of
from cages.models.place import LARGEST_GRID
from cages.places.grid import Position, has_cell, rows_and_columns


@dataclass(frozen=True, slots=True)
class RackMap:
    """`paths`: [(Condition, SVG path of its bays)], one unit for each row and each column.

    bays: the SVG path of all bays, with a cage or without.
    """

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
    labels, columns = rows_and_columns(ranks, rack)
    lines = {label: line for line, label in enumerate(labels)}
    drawn: dict[Condition, list[tuple[int, int]]] = defaultdict(list)
    for (row, column), rank in ranks.items():
        drawn[rank.condition].append((lines[row], column - 1))
    paths = [(condition, _strokes(drawn[condition])) for condition in Condition if drawn[condition]]
    whole = "".join(f"M0 {line}.5h{columns}" for line in range(len(labels)))
    return RackMap(columns, len(labels), paths, whole)


def _strokes(bays: Iterable[tuple[int, int]]) -> str:
    """An SVG path of (line, column); bays side by side are one stroke."""
    # No rack has as many columns, so no run goes on into the next line.
    width = LARGEST_GRID + 2
    runs = runs_of(sorted(line * width + column for line, column in bays))
    return "".join(
        f"M{first % width} {first // width}.5h{last - first + 1}" for first, last in runs
    )
