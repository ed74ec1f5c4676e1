"""Which cages a list is about, and in which order: all in the address, so it can be shared."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import CharField, Count, F, Q, QuerySet, Value
from django.db.models.functions import Cast

from cages.models import Condition, Rank, Tally
from neurocage.ids import id_from

SEARCH_LIMIT = 100
# Rooms, racks and people to choose from, together.
CHOICES_LIMIT = 1500
# The kind of row in `facets` that comes first, so that the limit never cuts it off.
RANKS = "0"
ORDERS = ("worst", "label", "id", "position")
# What a list can be asked for, worst first.
STATES = tuple(dict.fromkeys(rank.condition for rank in Rank))


def text_from(query, name):
    """Return the value from the address, ready to search for."""
    # PostgreSQL refuses NUL characters in text.
    return query.get(name, "").replace("\x00", "").strip()[:SEARCH_LIMIT]


@dataclass(frozen=True, slots=True)
class CageFilter:
    """What is empty filters nothing. `owner` is a person's id."""

    q: str = ""
    state: str = ""
    room: str = ""
    rack: str = ""
    owner: int | None = None
    order: str = "worst"

    @classmethod
    def from_query(cls, query):
        """From request.GET; what makes no sense is left out."""

        def text(name):
            return text_from(query, name)

        state, order = text("state"), text("order")
        return cls(
            q=text("q"),
            state=state if state in STATES else "",
            room=text("room"),
            rack=text("rack"),
            owner=id_from(text("owner")),
            order=order if order in ORDERS else "worst",
        )

    @property
    def query(self):
        """Return the filter as it appears in a URL: "state=bad&room=R2", or empty."""
        return urlencode(self.fields)

    @property
    def fields(self):
        """[(name, value)] of what is not as it always is."""
        values = [(name, getattr(self, name)) for name in self.__slots__]
        return [pair for pair in values if pair[1] and pair != ("order", "worst")]

    @property
    def is_active(self):
        """Whether it leaves anything out."""
        return bool(self.q or self.state or self.room or self.rack or self.owner)

    def with_(self, **changes):
        return replace(self, **changes)

    def without_state(self, cages, now):
        """The cages in every state, with their `rank`."""
        wanted = Q()
        if self.room:
            wanted &= Q(room__iexact=self.room)
        if self.rack:
            wanted &= Q(rack__iexact=self.rack)
        if self.owner:
            wanted &= Q(owner=self.owner)
        cages = cages.with_rank(now).filter(wanted)
        return cages.matching(self.q) if self.q else cages

    def apply(self, cages, now):
        """The cages, filtered and in order."""
        cages = self.without_state(cages, now)
        if self.state:
            cages = cages.in_condition(Condition(self.state))
        return cages.in_order(self.order, now)


def facets(
    cages: QuerySet, chosen: CageFilter, now: datetime
) -> tuple[Tally, dict[str, list[tuple[str, str]]]]:
    """How many of the chosen cages are how, and what else can be chosen; one query.

    The Tally counts every state, whatever state is chosen. The choices are of all the cages:
    {"room", "rack" or "owner": [(value, text)]}, by text.
    """

    def of(kind, value, text):
        rows = cages.order_by().annotate(
            kind=Value(kind), value=Cast(value, CharField()), text=F(text)
        )
        return rows.exclude(text="").values_list("kind", "value", "text")

    ranks = chosen.without_state(cages, now).order_by().values("rank")
    counts = ranks.annotate(
        kind=Value(RANKS), value=Cast("rank", CharField()), text=Cast(Count("pk"), CharField())
    ).values_list("kind", "value", "text")
    owners = of("owner", "owner_id", "owner__username")
    found = counts.union(owners, of("room", "room", "room"), of("rack", "rack", "rack"))
    by_kind: dict[str, list[tuple[str, str]]] = {RANKS: [], "room": [], "rack": [], "owner": []}
    for kind, value, text in found.order_by("kind", "text")[: CHOICES_LIMIT + len(Rank)]:
        by_kind[kind].append((value, text))
    numbers = {Rank(int(value)): int(text) for value, text in by_kind.pop(RANKS)}
    return Tally(Counter(numbers)), by_kind
