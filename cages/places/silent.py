"""The sensors that have been silent for too long, rack by rack."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Min, Q

from cages.models import Cage, Condition, Rank
from cages.models.cage import CageQuerySet
from people.names import sort_key

RACKS_SHOWN = 20
CAGES_SHOWN = 8
# So many are looked at to name some of each rack.
CAGES_READ = 5 * RACKS_SHOWN * CAGES_SHOWN
UNSEEN = [rank for rank in Rank if rank.condition == Condition.UNSEEN]


@dataclass(frozen=True, slots=True)
class RackOfSilent:
    """`silent` of the `total` cages of a rack are unseen; `cages` are some, CAGES_SHOWN at most.

    rack_id is None for the cages in no rack. since: the oldest of their last readings, or None.
    """

    rack_id: int | None
    rack: str
    room: str
    silent: int
    total: int
    since: datetime | None
    cages: list[Cage] = field(default_factory=list)

    @property
    def rest(self) -> int:
        return self.silent - len(self.cages)


def silent_by_rack(cages: CageQuerySet, now: datetime) -> tuple[int, list[RackOfSilent]]:
    """(number of silent sensors, racks with the most of them first, RACKS_SHOWN at most).

    Two queries. cages: active ones.
    """
    unseen = Q(rank__in=UNSEEN)
    rows = (
        cages.with_rank(now)
        .order_by()
        .values("rack_id", "rack__name", "room__name")
        .annotate(
            silent=Count("pk", filter=unseen),
            total=Count("pk", filter=Q(is_polled=True)),
            since=Min("state__reading_slot", filter=unseen),
        )
        .filter(silent__gt=0)
    )
    racks = [
        RackOfSilent(
            row["rack_id"],
            row["rack__name"] or "",
            row["room__name"] or "",
            row["silent"],
            row["total"],
            row["since"],
        )
        for row in rows
    ]
    racks.sort(key=lambda rack: (-rack.silent, sort_key(rack.room), sort_key(rack.rack)))
    count, racks = sum(rack.silent for rack in racks), racks[:RACKS_SHOWN]
    shown: dict[tuple[int | None, str], list[Cage]] = defaultdict(list)
    ids = Q(rack__in=[rack.rack_id for rack in racks if rack.rack_id])
    if any(rack.rack_id is None for rack in racks):
        ids |= Q(rack=None)
    silent = cages.with_rank(now).filter(unseen, ids).select_related("state", "room")
    for cage in silent.order_by("state__reading_slot", "id")[:CAGES_READ]:
        one = shown[cage.rack_id, cage.room_name]
        if len(one) < CAGES_SHOWN:
            one.append(cage)
    for rack in racks:
        rack.cages.extend(shown[rack.rack_id, rack.room])
    return count, racks
