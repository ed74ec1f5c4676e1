"""Shares of groups of cages. The cage is the unit: each gives one value, however many minutes.

The sensor judges a cage, and animals of one cage share their day. So the share of each cage comes
first, and what is told of a group is told over its cages.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from cages.history.animals import AND, Stretch
from cages.history.light import LightPhase
from cages.history.minutes import Minute
from cages.history.summaries import HealthSummary
from cages.history.window import Window
from cages.models import Health
from cages.slots import SLOT_LENGTH

Counts = NDArray[np.int64]
# A standard deviation needs two values. Below four, quartiles say nothing that median, lowest and
# highest do not.
LEAST_FOR_SD = 2
LEAST_FOR_QUARTILES = 4


class Within(StrEnum):
    """Which minutes of a day a share is of. The words are those of groups.csv."""

    ALL = "all"
    DARK = "dark"
    LIGHT = "light"

    @property
    def label(self) -> str:
        return str(LABELS[self])


LABELS = {
    Within.ALL: _("All minutes"),
    Within.DARK: _("Dark phase"),
    Within.LIGHT: _("Light phase"),
}
PHASES = {
    Within.ALL: tuple(LightPhase),
    Within.DARK: (LightPhase.DARK,),
    Within.LIGHT: (LightPhase.LIGHT,),
}


class WhyOut(StrEnum):
    """Why a cage, or a part of its minutes, is in no group. The words are those of the files."""

    NO_MINUTES = "no_minutes"
    NO_GROUP = "no_group"
    SEVERAL_GROUPS = "several_groups"
    LITTLE_KNOWN = "little_known"


def slots_by_groups(
    stretches: Iterable[Stretch], part: Window, counts: NDArray[np.bool_]
) -> Iterator[tuple[tuple[str, ...], slice]]:
    """Yield (groups of the animals, slots of the part) of each stretch with a slot that counts.

    counts: of each slot of the part, whether it counts.
    """
    for stretch in stretches:
        first = max((stretch.window.start - part.start) // SLOT_LENGTH, 0)
        end = min((stretch.window.end - part.start) // SLOT_LENGTH, part.minutes)
        if first < end and counts[first:end].any():
            yield stretch.groups, slice(first, end)


def all_groups(found: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Each group of these once, by name. A cage whose animals were of two groups has both."""
    return tuple(sorted({name for groups in found for name in groups}))


def why_in_no_group(groups: Sequence[str], *, has_minutes: bool) -> WhyOut | None:
    """Why a cage with these groups is in none; None where it is in one.

    has_minutes: whether any of its minutes counts. A cage of two groups would give both a value of
    the same cage.
    """
    if not has_minutes:
        return WhyOut.NO_MINUTES
    if not groups:
        return WhyOut.NO_GROUP
    return WhyOut.SEVERAL_GROUPS if len(groups) > 1 else None


@dataclass(slots=True)
class Tally:
    """Counts the minutes of one cage. stretches: who lived in it, for the whole window.

    counts: {groups of the animals: an array of LightPhase times Minute} of minutes that are not
    excluded. excluded: how many are.
    """

    cage_id: int
    label: str
    stretches: Sequence[Stretch]
    counts: dict[tuple[str, ...], Counts] = field(default_factory=dict)
    excluded: int = 0

    def add(self, part: Window, minutes: bytes, phases: bytes, excluded: bytes) -> None:
        """Add a part of the window. Of each slot: a Minute, a LightPhase, and 1 if excluded."""
        cells = np.frombuffer(phases, np.uint8) * len(Minute) + np.frombuffer(minutes, np.uint8)
        counts_in = np.frombuffer(excluded, np.uint8) == 0
        self.excluded += int(len(cells) - counts_in.sum())
        shape = (len(LightPhase), len(Minute))
        for groups, slots in slots_by_groups(self.stretches, part, counts_in):
            kept = cells[slots][counts_in[slots]]
            found = np.bincount(kept, minlength=len(LightPhase) * len(Minute)).reshape(shape)
            self.counts[groups] = self.counts.get(groups, 0) + found


@dataclass(frozen=True, slots=True)
class OneCage:
    """What counts of one cage. groups: those of its animals in minutes that count.

    parts: its minutes with an animal of a group. outside: its other minutes that count. Both are
    {Within: health}. excluded: minutes that do not count.
    """

    cage_id: int
    label: str
    groups: tuple[str, ...]
    parts: dict[Within, HealthSummary]
    outside: dict[Within, HealthSummary]
    excluded: int

    @classmethod
    def of(cls, tally: Tally) -> "OneCage":
        """What was counted."""
        inside = [counts for groups, counts in tally.counts.items() if groups]
        outside = [counts for groups, counts in tally.counts.items() if not groups]
        parts = (_parts(inside), _parts(outside))
        return cls(tally.cage_id, tally.label, all_groups(tally.counts), *parts, tally.excluded)

    @property
    def group(self) -> str:
        """Its groups as text."""
        return AND.join(self.groups)

    @property
    def why_out(self) -> WhyOut | None:
        """Why it is in no group."""
        minutes = self.parts[Within.ALL].minutes + self.outside[Within.ALL].minutes
        return why_in_no_group(self.groups, has_minutes=minutes > 0)

    def why_not(self, within: Within, least: float) -> WhyOut | None:
        """Why this part of it gives no value. least: the lowest coverage, from 0 to 1."""
        if self.why_out:
            return self.why_out
        if not self.parts[within].minutes:
            return WhyOut.NO_MINUTES
        # Without any known minute there is no share, whatever is asked for.
        known = self.parts[within].known
        enough = known and known / self.parts[within].minutes >= least
        return None if enough else WhyOut.LITTLE_KNOWN

    def coverage(self, within: Within) -> float | None:
        """The known share of its minutes, from 0 to 1."""
        part = self.parts[within]
        return part.known / part.minutes if part.minutes else None

    def share(self, within: Within, health: Health) -> float | None:
        """The share of a health in its known minutes, from 0 to 1."""
        part = self.parts[within]
        return part.by_status[health] / part.known if part.known else None


def _parts(arrays: Iterable[Counts]) -> dict[Within, HealthSummary]:
    whole = sum(arrays, np.zeros((len(LightPhase), len(Minute)), np.int64))
    return {within: _health(whole[list(phases)].sum(axis=0)) for within, phases in PHASES.items()}


def _health(counts: Counts) -> HealthSummary:
    return HealthSummary(
        minutes=int(counts.sum()),
        by_status={status: int(counts[status]) for status in Health},
        unanswered=int(counts[Minute.NO_ANSWER]),
        not_watched=int(counts[Minute.NOT_WATCHED] + counts[Minute.SKIPPED]),
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told of one value of `count` cages. Quartiles are interpolated (type 7).

    quartiles: None below LEAST_FOR_QUARTILES cages. sd: of a sample; None below LEAST_FOR_SD.
    """

    count: int
    median: float
    quartiles: tuple[float, float] | None
    lowest: float
    highest: float
    mean: float
    sd: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figures | None":
        """None without a value."""
        if not values:
            return None
        low, middle, high = (float(one) for one in np.percentile(values, (25, 50, 75)))
        count = len(values)
        return cls(
            count,
            middle,
            (low, high) if count >= LEAST_FOR_QUARTILES else None,
            min(values),
            max(values),
            float(np.mean(values)),
            float(np.std(values, ddof=1)) if count >= LEAST_FOR_SD else None,
        )


@dataclass(frozen=True, slots=True)
class GroupPart:
    """A group within all minutes or one phase.

    cages: those that give a value. withheld: those of the group that do not, with the reason.
    coverage: Figures of the coverage of `cages`. figures: of their shares. None without a cage.
    """

    group: str
    within: Within
    cages: list[OneCage]
    withheld: list[tuple[OneCage, WhyOut]]
    coverage: Figures | None
    figures: dict[Health, Figures | None]

    def shares(self, health: Health) -> list[float]:
        """The share of a health in each of `cages`, in their order."""
        return _shares(self.cages, self.within, health)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Groups by name, each within all minutes, dark and light. least: the lowest coverage.

    left_out: cages that are in no group, with the reason.
    """

    least: float
    cages: list[OneCage]
    left_out: list[tuple[OneCage, WhyOut]]
    parts: list[GroupPart]

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(part.group for part in self.parts))


def comparison_of(tallies: Iterable[Tally], least: float) -> Comparison:
    """Compare the groups of these cages. least: the lowest coverage of a value, from 0 to 1."""
    cages = [OneCage.of(tally) for tally in tallies]
    members: dict[str, list[OneCage]] = {}
    left_out = []
    for cage in cages:
        if why := cage.why_out:
            left_out.append((cage, why))
        else:
            members.setdefault(cage.group, []).append(cage)
    parts = [
        _part(name, within, members[name], least) for name in sorted(members) for within in Within
    ]
    return Comparison(least, cages, left_out, parts)


def _part(group: str, within: Within, members: list[OneCage], least: float) -> GroupPart:
    told, withheld = [], []
    for cage in members:
        if why := cage.why_not(within, least):
            withheld.append((cage, why))
        else:
            told.append(cage)
    coverages = [one for cage in told if (one := cage.coverage(within)) is not None]
    figures = {health: Figures.of(_shares(told, within, health)) for health in Health}
    return GroupPart(group, within, told, withheld, Figures.of(coverages), figures)


def _shares(cages: Iterable[OneCage], within: Within, health: Health) -> list[float]:
    return [share for cage in cages if (share := cage.share(within, health)) is not None]
