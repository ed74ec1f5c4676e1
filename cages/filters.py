"""Which cages a list is about, and in which order: all in the address, so it can be shared."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, CharField, Count, F, Q, Value, When
from django.db.models.functions import Cast, Concat
from django.http import QueryDict

from cages.models import Condition
from cages.models.cage import CageQuerySet
from neurocage.ids import id_from

SEARCH_LIMIT = 100
# Rooms, racks and people to choose from, together.
CHOICES_LIMIT = 1500
ORDERS = ("worst", "label", "id", "position")
# By the rank that CageQuerySet.with_rank gives.
STATES = (
    Condition.BAD,
    Condition.UNSEEN,
    Condition.WAITING,
    Condition.OK,
    Condition.PERFECT,
    Condition.PAUSED,
)


# Of cages with their rank: {state: how many}.
COUNTS = {state.value: Count("pk", filter=Q(rank=rank)) for rank, state in enumerate(STATES)}


def text_from(query: QueryDict, name: str) -> str:
    """Return a value of the URL, normalised for searching."""
    # PostgreSQL refuses NUL characters in text.
    return query.get(name, "").replace("\x00", "").strip()[:SEARCH_LIMIT]


def trouble_in(counts):
    """How many of the cages counted by state are Bad or unseen."""
    return counts.get(Condition.BAD, 0) + counts.get(Condition.UNSEEN, 0)


@dataclass(frozen=True, slots=True)
class CageFilter:
    """What is empty filters nothing. `room`, `rack` and `owner` are ids."""

    q: str = ""
    state: str = ""
    room: int | None = None
    rack: int | None = None
    owner: int | None = None
    order: str = "worst"

    @classmethod
    def from_query(cls, query: QueryDict) -> "CageFilter":
        """From request.GET; what makes no sense is left out."""

        def text(name):
            return text_from(query, name)

        state, order = text("state"), text("order")
        return cls(
            q=text("q"),
            state=state if state in STATES else "",
            room=id_from(text("room")),
            rack=id_from(text("rack")),
            owner=id_from(text("owner")),
            order=order if order in ORDERS else "worst",
        )

    @property
    def query(self) -> str:
        """Return the filter as it appears in a URL: "state=bad&room=2", or empty."""
        return urlencode(self.fields)

    @property
    def fields(self) -> list[tuple[str, Any]]:
        """[(name, value)] of what is not as it always is."""
        values = [(name, getattr(self, name)) for name in self.__slots__]
        return [pair for pair in values if pair[1] and pair != ("order", "worst")]

    @property
    def is_active(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.q or self.state or self.room or self.rack or self.owner)

    def with_(self, **changes: Any) -> "CageFilter":
        return replace(self, **changes)

    def without_state(self, cages: CageQuerySet, now: datetime) -> CageQuerySet:
        """The cages in every state, with their `rank`."""
        ids = {name: getattr(self, name) for name in ("room", "rack", "owner")}
        wanted = {name: value for name, value in ids.items() if value is not None}
        cages = cages.filter(**wanted).with_rank(now)
        return cages.matching(self.q) if self.q else cages

    def counts(self, cages: CageQuerySet, now: datetime) -> dict[Condition, int]:
        """{state: how many cages}, worst first, whatever state is asked for; one query."""
        counts = self.without_state(cages, now).aggregate(**COUNTS)
        return {state: counts[state.value] for state in STATES}

    def apply(self, cages: CageQuerySet, now: datetime) -> CageQuerySet:
        """The cages, filtered and in order."""
        cages = self.without_state(cages, now)
        if self.state:
            cages = cages.filter(Q(rank=STATES.index(Condition(self.state))))
        return cages.in_order(self.order, now)


def choices(cages: CageQuerySet) -> dict[str, list[tuple[int, str]]]:
    """Return {"room", "rack" or "owner": [(id, text)]} of the cages, by text. One query.

    A rack's text has its room, because racks of two rooms may have one name.
    """

    def of(kind: str, text: Any) -> Any:
        rows = cages.order_by().exclude(**{kind: None})
        rows = rows.annotate(kind=Value(kind), value=F(f"{kind}_id"), text=text)
        return rows.values_list("kind", "value", "text")

    rack = Case(
        When(room=None, then=F("rack__name")),
        default=Concat("room__name", Value(" · "), "rack__name"),
        output_field=CharField(),
    )
    owners = of("owner", Cast("owner__username", CharField()))
    found = owners.union(of("room", F("room__name")), of("rack", rack))
    by_kind: dict[str, list[tuple[int, str]]] = {"room": [], "rack": [], "owner": []}
    for kind, value, text in found.order_by("kind", "text")[:CHOICES_LIMIT]:
        by_kind[kind].append((value, text))
    return by_kind
