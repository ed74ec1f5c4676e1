"""All rooms and racks in which cages stand, and how the cages there are."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from cages.models import Tally
from cages.models.cage import CageQuerySet
from cages.models.tally import RANK_COUNTS


@dataclass(frozen=True, slots=True)
class RackSummary:
    """How the cages of one rack are. Without an id: the cages of the room that are in no rack."""

    id: int | None
    name: str
    counts: Tally


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """How the cages of one room are. Without an id: the cages that name no room."""

    id: int | None
    name: str
    racks: list[RackSummary]

    @property
    def counts(self) -> Tally:
        return sum((rack.counts for rack in self.racks), Tally())


def rooms_of(cages: CageQuerySet, now: datetime) -> list[RoomSummary]:
    """Return the rooms of the cages, each with its racks, by name. One query."""
    rows = (
        cages.with_rank(now)
        .values("room_id", "room__name", "rack_id", "rack__name")
        .annotate(**RANK_COUNTS)
        # Cages that name no room come last: they are not a place to go to.
        .order_by(
            F("room__sort_key").asc(nulls_last=True),
            "room_id",
            F("rack__sort_key").asc(nulls_first=True),
            "rack_id",
        )
    )
    rooms: dict[int | None, RoomSummary] = {}
    for row in rows:
        room = RoomSummary(row["room_id"], row["room__name"] or "", [])
        rack = RackSummary(row["rack_id"], row["rack__name"] or "", Tally.of_row(row))
        rooms.setdefault(room.id, room).racks.append(rack)
    return list(rooms.values())
