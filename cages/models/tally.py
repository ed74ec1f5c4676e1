"""How many cages are how: the counts above lists, racks and the wall."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q

from cages.models.state import Condition, Rank

# The Conditions of active cages, worst first.
STATES = tuple(dict.fromkeys(rank.condition for rank in Rank))
# Over cages with their `rank`: a column for each Rank.
RANK_COUNTS = {f"rank_{rank.value}": Count("pk", filter=Q(rank=rank)) for rank in Rank}


@dataclass(frozen=True, slots=True)
class Tally:
    """The number of cages of each rank."""

    by_rank: Counter[Rank] = field(default_factory=Counter)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Tally":
        """From the columns RANK_COUNTS."""
        return cls(Counter({rank: row[f"rank_{rank.value}"] for rank in Rank}))

    def of(self, condition: Condition) -> int:
        """How many cages are in a Condition."""
        return sum(count for rank, count in self.by_rank.items() if rank.condition == condition)

    @property
    def total(self) -> int:
        return self.by_rank.total()

    @property
    def trouble(self) -> int:
        """How many cages are Bad or unseen."""
        return sum(count for rank, count in self.by_rank.items() if rank.is_trouble)

    @property
    def bad(self) -> int:
        return self.by_rank[Rank.BAD]

    @property
    def severity(self) -> tuple[int, ...]:
        """For sorting, worst first: more cages that are Bad, then more that are unseen."""
        return tuple(-self.by_rank[rank] for rank in Rank if rank.is_trouble)

    @property
    def unseen_bad(self) -> int:
        """How many of the unseen cages were last known to be Bad."""
        return self.by_rank[Rank.UNSEEN_BAD]

    @property
    def troubles(self) -> dict[Condition, int]:
        """The conditions for which somebody has to look, worst first, without zeros."""
        conditions = dict.fromkeys(rank.condition for rank in Rank if rank.is_trouble)
        return {one: count for one in conditions if (count := self.of(one))}

    @property
    def conditions(self) -> dict[Condition, int]:
        """Worst first. Without others that no cage is in, but with "0 Bad" and "0 Unseen"."""
        always = {rank.condition for rank in Rank if rank.is_trouble}
        counts = {one: self.of(one) for one in STATES}
        return {one: count for one, count in counts.items() if count or one in always}
