"""Rhythm figures of groups of cages. The cage is the unit: its animals are not independent."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from cages.history.rhythms import Told


def _peak(told: Told) -> float | None:
    """The period of the highest peak, if it is significant."""
    found = told.lomb_scargle
    return found.peak if found and found.is_significant else None


# {name: the figure of one cage, or None}
FIGURES: dict[str, Callable[[Told], float | None]] = {
    "stability": lambda told: told.rhythm.stability,
    "variability": lambda told: told.rhythm.variability,
    "amplitude": lambda told: told.rhythm.amplitude,
    "least": lambda told: told.rhythm.least_active.mean if told.rhythm.least_active else None,
    "most": lambda told: told.rhythm.most_active.mean if told.rhythm.most_active else None,
    "period": _peak,
}


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of a figure and its extremes over `count` cages that have it."""

    count: int
    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The cages of a group. figures: {name of FIGURES: its Spread, or None without any cage}.

    known: known minutes of those of these cages with an animal of the group.
    """

    group: str
    cages: int
    known: int
    minutes: int
    figures: dict[str, Spread | None]

    @property
    def coverage(self) -> float | None:
        return self.known / self.minutes if self.minutes else None


def by_group(cages: Iterable[Told]) -> list[GroupFigures]:
    """The figures of each group, by name. Cages with a reason to be in none are left out."""
    groups: dict[str, list[Told]] = {}
    for told in cages:
        if told.why_out is None:
            groups.setdefault(told.group, []).append(told)
    return [
        GroupFigures(
            name,
            len(members),
            sum(told.series.known_minutes for told in members),
            sum(told.series.minutes for told in members),
            {figure: _spread(map(read, members)) for figure, read in FIGURES.items()},
        )
        for name, members in sorted(groups.items())
    ]


def _spread(values: Iterable[float | None]) -> Spread | None:
    found = [value for value in values if value is not None]
    return Spread(len(found), median(found), min(found), max(found)) if found else None
