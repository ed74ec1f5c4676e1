"""All rooms and racks in which cages stand, and how the cages there are. Worst first."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from cages.models import Rack, Rank, Room, Tally
from cages.models.cage import CageQuerySet
from people.names import sort_key


@dataclass(frozen=True, slots=True)
class BadSince:
    """When the first of the cages that are Bad became so; `is_known`: not earlier either."""

    moment: datetime
    is_known: bool


@dataclass(frozen=True, slots=True)
class RackSummary:
    """How the cages of one rack are. Without an id: the cages of the room that are in no rack."""

    id: int | None
    name: str
    counts: Tally
    bad_since: BadSince | None = None


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """How the cages of one room are. Without an id: the cages that name no room."""

    id: int | None
    name: str
    racks: list[RackSummary]
    counts: Tally

    @property
    def bad_since(self) -> BadSince | None:
        found = [rack.bad_since for rack in self.racks if rack.bad_since]
        return min(found, key=lambda since: (since.moment, since.is_known), default=None)


def rooms_of(cages: CageQuerySet, now: datetime) -> list[RoomSummary]:
    """Return the rooms of the cages, each with its racks, worst first, then by name. Three queries.

    "Worst" counts the cages that are Bad, then those that are unseen.
    """
    known = Q(state__is_since_known=True)
    # The type checker does not know the columns that are annotated.
    ranked: Any = cages.with_rank(now).order_by()
    rows = ranked.values("room_id", "rack_id", "rank").annotate(
        count=Count("pk"),
        since=Min("state__status_since", filter=known),
        since_at_least=Min("state__status_since", filter=~known),
    )
    counts: dict[tuple[int | None, int | None], Counter[Rank]] = defaultdict(Counter)
    bad: dict[tuple[int | None, int | None], BadSince | None] = {}
    for row in rows:
        place, rank = (row["room_id"], row["rack_id"]), Rank(row["rank"])
        counts[place][rank] += row["count"]
        if rank == Rank.BAD:
            bad[place] = _bad_since(row["since"], row["since_at_least"])
    room_names = dict(
        Room.objects.filter(pk__in={room for room, _ in counts}).values_list("pk", "name")
    )
    rack_names = dict(
        Rack.objects.filter(pk__in={rack for _, rack in counts}).values_list("pk", "name")
    )
    rooms: dict[int | None, list[RackSummary]] = defaultdict(list)
    for (room_id, rack_id), by_rank in counts.items():
        name = rack_names.get(rack_id or 0, "")
        rack = RackSummary(rack_id, name, Tally(by_rank), bad.get((room_id, rack_id)))
        rooms[room_id].append(rack)
    found = [
        RoomSummary(
            room_id,
            room_names.get(room_id or 0, ""),
            sorted(racks, key=_worst_first),
            all_of(racks),
        )
        for room_id, racks in rooms.items()
    ]
    return sorted(found, key=_worst_first)


def all_of(places: Iterable[RackSummary | RoomSummary]) -> Tally:
    """The Tally of the cages of these places together."""
    together: Counter[Rank] = Counter()
    for place in places:
        together.update(place.counts.by_rank)
    return Tally(together)


def _worst_first(place: RoomSummary | RackSummary) -> tuple[Any, ...]:
    # If two are equally well, "in no rack" and "No room" come last: nobody goes there.
    return (*place.counts.severity, place.id is None, sort_key(place.name))


def _bad_since(since: datetime | None, at_least: datetime | None) -> BadSince | None:
    if at_least is not None and (since is None or at_least <= since):
        return BadSince(at_least, is_known=False)
    return BadSince(since, is_known=True) if since else None
