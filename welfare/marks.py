"""The marks of open concerns on the pages of cages: list, racks, wall, and the page of one cage."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from people.access import Access
from welfare.models import Concern, Life
from welfare.models.concern import life_of

# Read with each page, worst first. A page says so where there are more.
MARKS_AT_MOST = 2000


@dataclass(frozen=True, slots=True)
class Mark:
    """The worst open concern of a cage, and how many there are."""

    concern_id: int
    life: Life
    count: int = 1


@dataclass(frozen=True, slots=True)
class Marks:
    """What a person may know of the open concerns. Drills are not marked.

    waiting: how many nobody has acknowledged, of any subject. by_cage: {id of a cage: Mark}.
    by_rack: {id of a rack: open concerns of its cages and of itself}. is_cut: there are more.
    """

    waiting: int = 0
    by_cage: dict[int, Mark] = field(default_factory=dict)
    by_rack: dict[int, int] = field(default_factory=dict)
    is_cut: bool = False


def marks_of(access: Access, now: datetime) -> Marks:
    """Read the marks with one query."""
    concerns = Concern.objects.open().counted().seen_by(access).worst_first()
    columns = ("pk", "cage", "rack", "cage__rack", "over_slot", "acknowledged_until")
    rows = list(concerns.values_list(*columns)[: MARKS_AT_MOST + 1])
    waiting, by_cage, by_rack = 0, dict[int, Mark](), Counter[int]()
    for pk, cage, rack, rack_of_cage, over_slot, until in rows[:MARKS_AT_MOST]:
        life = life_of(over_slot, until, now)
        waiting += life == Life.NEW
        if cage:
            first = by_cage.get(cage)
            by_cage[cage] = (
                Mark(first.concern_id, first.life, first.count + 1) if first else Mark(pk, life)
            )
        if in_rack := rack or rack_of_cage:
            by_rack[in_rack] += 1
    return Marks(waiting, by_cage, dict(by_rack), len(rows) > MARKS_AT_MOST)
