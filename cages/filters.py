"""Which cages a list is about, and in which order: all in the address, so it can be shared."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import CharField, Count, F, Q, Value
from django.db.models.functions import Cast

from cages.models import Condition
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


def text_from(query, name):
    """What the address says, fit to be looked for."""
    # A NUL is text to Python and poison to PostgreSQL.
    return query.get(name, "").replace("\x00", "").strip()[:SEARCH_LIMIT]


def trouble_in(counts):
    """How many of the cages counted by state are Bad or unseen."""
    return counts.get(Condition.BAD, 0) + counts.get(Condition.UNSEEN, 0)


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
        """As in an address, without what filters nothing: "state=bad&room=R2", or empty."""
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

    def counts(self, cages, now):
        """{state: how many cages}, worst first, whatever state is asked for; one query."""
        counts = self.without_state(cages, now).aggregate(**COUNTS)
        return {state: counts[state.value] for state in STATES}

    def apply(self, cages, now):
        """The cages, filtered and in order."""
        cages = self.without_state(cages, now)
        if self.state:
            cages = cages.filter(rank=STATES.index(Condition(self.state)))
        return cages.in_order(self.order, now)


def choices(cages):
    """{"room", "rack" or "owner": [(value, text)]} of the cages, by text; one query."""

    def of(kind, value, text):
        rows = cages.order_by().annotate(
            kind=Value(kind), value=Cast(value, CharField()), text=F(text)
        )
        return rows.exclude(text="").values_list("kind", "value", "text")

    owners = of("owner", "owner_id", "owner__username")
    found = owners.union(of("room", "room", "room"), of("rack", "rack", "rack"))
    by_kind = {"room": [], "rack": [], "owner": []}
    for kind, value, text in found.order_by("kind", "text")[:CHOICES_LIMIT]:
        by_kind[kind].append((value, text))
    return by_kind
