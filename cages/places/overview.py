"""All rooms and racks in which cages stand, and how the cages there are."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cages.filters import COUNTS, STATES
from cages.models import Condition
from cages.models.cage import CageQuerySet


@dataclass(frozen=True, slots=True)
class RackSummary:
    """How the cages of one rack are. Without an id: the cages of the room that are in no rack."""

    id: int | None
    name: str
    # Worst first, without conditions that no cage is in.
    counts: dict[Condition, int]

    @property
    def cage_count(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """How the cages of one room are. Without an id: the cages that name no room."""

    id: int | None
    name: str
    racks: list[RackSummary]

    @property
    def counts(self) -> dict[Condition, int]:
        return in_order(sum((Counter(rack.counts) for rack in self.racks), Counter()))

    @property
    def cage_count(self) -> int:
        return sum(rack.cage_count for rack in self.racks)


def rooms_of(cages: CageQuerySet, now: datetime) -> list[RoomSummary]:
    """Return the rooms of the cages, each with its racks, by name. One query."""
    rows = (
        cages.with_rank(now)
        .order_by()
        .values("room_id", "room__name", "rack_id", "rack__name")
        .annotate(**COUNTS)
    )
    rooms: dict[int | None, RoomSummary] = {}
    for row in sorted(rows, key=lambda row: _by_nature(row["rack__name"] or "")):
        counts = {state: row[state.value] for state in STATES if row[state.value]}
        room = RoomSummary(row["room_id"], row["room__name"] or "", [])
        rack = RackSummary(row["rack_id"], row["rack__name"] or "", counts)
        rooms.setdefault(room.id, room).racks.append(rack)
    # Cages that name no room come last: they are not a place to go to.
    return sorted(rooms.values(), key=lambda room: (room.id is None, _by_nature(room.name)))


def in_order(counts: Mapping[Condition, int]) -> dict[Condition, int]:
    """Return the counts worst first, without zeros."""
    return {state: counts[state] for state in STATES if counts[state]}


def _by_nature(text: str) -> list[Any]:
    """Return a key for sorting by which "R2" comes before "R10"."""
    parts = re.split("([0-9]+)", text.casefold())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]
