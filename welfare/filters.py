"""Which open concerns the desk shows, from its URL."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from neurocage.ids import id_from
from people.models import User
from welfare.models import Kind, Life
from welfare.models.concern import ConcernQuerySet, planned

# Whose concerns, or what has to be done with them.
WHOSE = {
    "new": _("not acknowledged"),
    "mine": _("acknowledged by me"),
    "over": _("over, finding due"),
    "due": _("recheck due"),
}


@dataclass(frozen=True, slots=True)
class ConcernFilter:
    """kind: a Kind or ""; room: id of a room as text or ""; whose: a key of WHOSE or "".

    drills: only drills; otherwise none.
    """

    kind: str = ""
    room: str = ""
    whose: str = ""
    drills: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """From request.GET. What makes no sense is left out."""
        kind, room, whose = (query.get(name, "") for name in ("kind", "room", "whose"))
        return cls(
            kind if kind in Kind.values else "",
            str(id_from(room) or ""),
            whose if whose in WHOSE else "",
            query.get("drills") == "1",
        )

    def apply(self, concerns: ConcernQuerySet, person: User, now: datetime) -> ConcernQuerySet:
        concerns = concerns.filter(is_drill=self.drills)
        if self.kind:
            concerns = concerns.filter(kind=self.kind)
        if self.room:
            of_room = Q(cage__room=self.room) | Q(rack__room=self.room) | Q(room=self.room)
            concerns = concerns.filter(of_room)
        if self.whose == "mine":
            mine = {"acknowledged_by": person, "acknowledged_until__gt": now}
            concerns = concerns.filter(**mine)
        elif self.whose == "new":
            concerns = concerns.filter(~_taken(now), ~planned(now), over_slot=None)
        elif self.whose == "over":
            concerns = concerns.filter(~planned(now)).exclude(over_slot=None)
        elif self.whose == "due":
            concerns = concerns.filter(recheck_at__lte=now)
        return concerns

    @property
    def fields(self) -> list[tuple[str, str]]:
        """[(name, value)] of what is chosen."""
        chosen = {"kind": self.kind, "room": self.room, "whose": self.whose}
        drills = [("drills", "1")] if self.drills else []
        return [*((name, value) for name, value in chosen.items() if value), *drills]

    @property
    def query(self) -> str:
        return urlencode(self.fields)

    @property
    def is_active(self) -> bool:
        return bool(self.fields)

    def toggled(self, kind: str) -> "ConcernFilter":
        """The same filter with this kind, or without it if it is chosen."""
        return replace(self, kind="" if self.kind == kind else kind)


def _taken(now: datetime) -> Q:
    return Q(acknowledged_until__isnull=False, acknowledged_until__gt=now)


@dataclass(slots=True)
class Facets:
    """Counts of the open concerns that a person sees, whatever is filtered. Drills apart."""

    total: int = 0
    drills: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    by_life: Counter[Life] = field(default_factory=Counter)
    # {id: name}
    rooms: dict[int, str] = field(default_factory=dict)


def facets_of(concerns: ConcernQuerySet, now: datetime) -> Facets:
    """Count with one query, which gives a row for each kind, room and life."""
    found = Facets()
    flags = ("is_planned", "is_over", "is_taken")
    grouped = (
        concerns.order_by()
        .annotate(
            place=Coalesce("cage__room", "rack__room", "room"),
            place_name=Coalesce("cage__room__name", "rack__room__name", "room__name"),
            is_over=Q(over_slot__isnull=False),
            is_taken=_taken(now),
            is_planned=planned(now),
        )
        .values_list("kind", "is_drill", "place", "place_name", *flags)
        .annotate(count=Count("pk"))
    )
    for kind, is_drill, place, name, is_planned, is_over, is_taken, count in grouped:
        if is_drill:
            found.drills += count
            continue
        found.total += count
        found.by_kind[kind] += count
        lives = ((is_planned, Life.PLANNED), (is_over, Life.OVER), (is_taken, Life.TAKEN))
        found.by_life[next((life for holds, life in lives if holds), Life.NEW)] += count
        if place:
            found.rooms[place] = name
    return found
