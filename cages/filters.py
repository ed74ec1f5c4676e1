"""The filter and the order of a list of cages. Both are in the URL, so a list can be shared."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Value, When
from django.db.models.functions import Cast, Concat
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.models import Condition, Rack, Rank, Room, Tally
from cages.models.cage import CageQuerySet
from cages.models.tally import STATES
from neurocage.ids import id_from
from people.models import User
from people.names import sort_key

SEARCH_LIMIT = 100
# Rooms, racks and people to choose from, together.
CHOICES_LIMIT = 1500
# The kinds of rows in `facets`. The limit cuts off the last kind first, and never the ranks.
KINDS = ("rank", "room", "owner", "rack")
ORDERS = {
    "worst": gettext_lazy("Worst first"),
    "label": gettext_lazy("Label"),
    "id": gettext_lazy("Cage id"),
    "position": gettext_lazy("Position"),
}


def text_from(query: QueryDict, name: str) -> str:
    """Return a value of the URL, normalised for searching."""
    # PostgreSQL refuses NUL characters in text.
    return query.get(name, "").replace("\x00", "").strip()[:SEARCH_LIMIT]


@dataclass(frozen=True, slots=True)
class CageFilter:
    """A filter of cages. Empty fields filter nothing. `room`, `rack` and `owner` are ids."""

    q: str = ""
    state: str = ""
    room: int | None = None
    rack: int | None = None
    owner: int | None = None
    order: str = "worst"

    @classmethod
    def from_query(cls, query: QueryDict) -> "CageFilter":
        """Read request.GET. Values that make no sense are ignored."""
        text = partial(text_from, query)
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
        """[(name, value)] of the fields that differ from their defaults."""
        values = [(name, getattr(self, name)) for name in self.__slots__]
        return [pair for pair in values if pair[1] and pair != ("order", "worst")]

    def toggled(self, state: str) -> "CageFilter":
        """The filter with this state; without it where it is chosen already."""
        return replace(self, state="" if state == self.state else state)

    def in_words(self, names: Mapping[str, str]) -> list[str]:
        """What it shows, for a printed page: ["State: Bad", "Room: R2"]; empty for all cages.

        names: the names of the chosen room, rack and owner, as far as the person may see them.
        """
        state = str(Condition(self.state).label) if self.state else ""
        chosen = {
            _("Search"): self.q,
            _("State"): state,
            **{
                str(title): names.get(name, "")
                for name, title in (("room", _("Room")), ("rack", _("Rack")), ("owner", _("Owner")))
                if getattr(self, name)
            },
        }
        return [f"{title}: {value}" for title, value in chosen.items() if value]

    @property
    def is_active(self) -> bool:
        """Whether it may leave out cages."""
        return bool(self.q or self.state or self.room or self.rack or self.owner)

    def without_state(self, cages: CageQuerySet) -> CageQuerySet:
        """The cages in every state."""
        ids = {name: getattr(self, name) for name in ("room", "rack", "owner")}
        wanted = {name: value for name, value in ids.items() if value is not None}
        cages = cages.filter(**wanted)
        return cages.matching(self.q) if self.q else cages

    def apply(self, cages: CageQuerySet, now: datetime) -> CageQuerySet:
        """Return the cages, filtered and in order."""
        cages = self.without_state(cages)
        if self.state:
            cages = cages.with_rank(now).in_condition(Condition(self.state))
        return cages.in_order(self.order, now)


def facets(
    cages: CageQuerySet, chosen: CageFilter, now: datetime
) -> tuple[Tally, dict[str, list[tuple[int, str]]]]:
    """Return how many of the chosen cages are in each state, and what else can be chosen.

    One query. The Tally counts every state, whatever state is chosen. The choices are of all the
    cages: {"room", "rack" or "owner": [(id, text)]}, by text. A rack's text has its room, because
    racks of two rooms may have one name.
    """

    def of(kind: str, model: type[Room] | type[Rack] | type[User], text: Any) -> Any:
        used = cages.order_by().filter(**{kind: OuterRef("pk")}).values("pk")
        rows: Any = model.objects.order_by().filter(Exists(used))
        rows = rows.annotate(kind=Value(KINDS.index(kind)), value=F("pk"), text=text)
        return rows.values_list("kind", "value", "text")

    # The type checker does not know the columns that are annotated.
    ranked: Any = chosen.without_state(cages).with_rank(now).order_by()
    counts = (
        ranked.values("rank")
        .annotate(
            kind=Value(KINDS.index("rank")), value=F("rank"), text=Cast(Count("pk"), CharField())
        )
        .values_list("kind", "value", "text")
    )
    rack = Case(
        When(room=None, then=F("name")),
        default=Concat("room__name", Value(" · "), "name"),
        output_field=CharField(),
    )
    owners = of("owner", User, Cast("username", CharField()))
    found = counts.union(owners, of("room", Room, F("name")), of("rack", Rack, rack), all=True)
    by_kind: dict[str, list[tuple[int, str]]] = {kind: [] for kind in KINDS}
    for kind, value, text in found.order_by("kind", "text")[: CHOICES_LIMIT + len(Rank)]:
        by_kind[KINDS[kind]].append((value, text))
    for choices in by_kind.values():
        choices.sort(key=lambda choice: sort_key(choice[1]))
    numbers = {Rank(int(value)): int(text) for value, text in by_kind.pop("rank")}
    return Tally(Counter(numbers)), by_kind
