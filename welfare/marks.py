"""The marks of open concerns on the pages of cages: list, racks, wall, and the page of one cage."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from people.access import Access
from welfare.models import Concern, Life
from welfare.models.concern import life_of, planned

# Read with each page, worst first. A page says so where there are more.
MARKS_AT_MOST = 2000


@dataclass(frozen=True, slots=True)
class Mark:
    """The worst open concern of a cage or in a rack, and how many there are."""

    concern_id: int
    life: Life
    count: int = 1


@dataclass(frozen=True, slots=True)
class Marks:
    """What a person may know of the open concerns. Drills are not marked.

    waiting: how many nobody has acknowledged, of any subject. by_cage: {id of a cage: Mark}.
    by_rack: {id of a rack: the Mark of its cages and of
    itself}. is_cut: there are more.
    """

    waiting: int = 0
    by_cage: dict[int, Mark] = field(default_factory=dict)
    by_rack: dict[int, Mark] = field(default_factory=dict)
    is_cut: bool = False


def marks_of(access: Access, now: datetime) -> Marks:
    """Read the marks with one query."""
    concerns = Concern.objects.open().counted().seen_by(access).worst_first()
    places = ("pk", "cage", "rack", "cage__rack")
    columns = (*places, "over_slot", "acknowledged_until", "is_planned")
    rows = list(
        concerns.annotate(is_planned=planned(now)).values_list(*columns)[: MARKS_AT_MOST + 1]
    )
    waiting, by_cage, by_rack = 0, dict[int, Mark](), dict[int, Mark]()
    for pk, cage, rack, rack_of_cage, over_slot, until, is_planned in rows[:MARKS_AT_MOST]:
        life = life_of(over_slot, until, is_planned, now)
        waiting += life == Life.NEW
        for where, marks in ((cage, by_cage), (rack or rack_of_cage, by_rack)):
            if where:
                # They come worst first.
                worst = marks.get(where, Mark(pk, life, 0))
                if (worst.life, life) == (Life.PLANNED, Life.NEW):
                    # The order does not know whether a recheck has lapsed.
                    worst = Mark(pk, life, worst.count)
                marks[where] = replace(worst, count=worst.count + 1)
    return Marks(waiting, by_cage, by_rack, len(rows) > MARKS_AT_MOST)
