"""The comparison of the groups of a study."""

from dataclasses import dataclass
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from cages.drawing.dots import axis_end, dot_picture
from cages.drawing.rhythms import Picture
from cages.drawing.words import fraction
from cages.exporting.study.comparison import HEALTHS, compared, tallies_of
from cages.exporting.study.order import StudyOrder
from cages.history.groups import (
    LEAST_FOR_QUARTILES,
    LEAST_FOR_SD,
    Comparison,
    Figures,
    OneCage,
    WhyOut,
    Within,
)
from cages.models import Health
from cages.views.history.studies import StudyMixin
from cages.views.site.long_pages import LongPageMixin

# A page that has to read more minutes would take longer than anybody waits. The package has the
# same tables without this limit.
MOST_MINUTES = 6_000_000
MOST_CAGES = 200
WHY = {
    WhyOut.NO_MINUTES: gettext_lazy("no minute that counts"),
    WhyOut.NO_GROUP: gettext_lazy("no animal of a group"),
    WhyOut.SEVERAL_GROUPS: gettext_lazy("animals of several groups"),
    WhyOut.LITTLE_KNOWN: gettext_lazy("too little is known"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one health. pictures: [(which minutes, picture)].

    rows: [(which minutes, group, cells)]. The cells are n, withheld, coverage, and the figures.
    """

    health: Health
    end: int
    pictures: list[tuple[str, Picture]]
    rows: list[tuple[str, str, list[str]]]


class StudyGroupsView(LongPageMixin, StudyMixin, TemplateView):
    """Groups of cages: dots, and tables of groups and of cages. It reads every minute."""

    template_name = "cages/studies/groups.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        study = get_object_or_404(self.studies, pk=self.kwargs["pk"])
        order = StudyOrder.of(study)
        is_too_large = order.most_rows > MOST_MINUTES or len(order.cages) > MOST_CAGES
        found = None if is_too_large else compared(order, tallies_of(order))
        return super().get_context_data(
            study=study,
            order=order,
            found=found,
            most_minutes=MOST_MINUTES,
            most_cages=MOST_CAGES,
            least_for_sd=LEAST_FOR_SD,
            least_for_quartiles=LEAST_FOR_QUARTILES,
            within=[within.label for within in Within],
            told=[told_of(found, health) for health in HEALTHS] if found else [],
            left_out=_left_out(found) if found else [],
            withheld=_withheld(found) if found else [],
            cages=[_cells(cage, found.least) for cage in found.cages] if found else [],
            healths=[health.label for health in HEALTHS],
            **kwargs,
        )


def told_of(found: Comparison, health: Health) -> Told:
    """Pictures and table of a health."""
    end = axis_end(found.parts, health)
    pictures, rows = [], []
    for within in Within:
        parts = [part for part in found.parts if part.within == within]
        if any(part.cages for part in parts):
            pictures.append((within.label, dot_picture(parts, health, end)))
        for part in parts:
            coverage = _pair(part.coverage.median, part.coverage.lowest) if part.coverage else "–"
            counts = [str(len(part.cages)), str(len(part.withheld))]
            cells = [*counts, coverage, *_figures(part.figures[health])]
            rows.append((within.label, part.group, cells))
    return Told(health, end, pictures, rows)


def _figures(one: Figures | None) -> list[str]:
    """Median, quartiles, lowest and highest, mean, SD."""
    if one is None:
        return ["–"] * 5
    quartiles = _pair(*one.quartiles) if one.quartiles else "–"
    extremes = _pair(one.lowest, one.highest)
    return [fraction(one.median), quartiles, extremes, fraction(one.mean), fraction(one.sd)]


def _pair(one: float, other: float) -> str:
    return f"{fraction(one)}; {fraction(other)}"


def _left_out(found: Comparison) -> list[tuple[str, str, str]]:
    """[(cage, its groups, why)] of those in no group."""
    return [(cage.label, cage.group, str(WHY[why])) for cage, why in found.left_out]


def _withheld(found: Comparison) -> list[tuple[str, str, str, str, str]]:
    """[(which minutes, group, cage, why, coverage)] of parts that give no value."""
    return [
        (
            part.within.label,
            part.group,
            cage.label,
            str(WHY[why]),
            fraction(cage.coverage(part.within)),
        )
        for part in found.parts
        for cage, why in part.withheld
    ]


def _cells(cage: OneCage, least: float) -> tuple[OneCage, list[str], list[int]]:
    """(cage, [coverage and share of each health] of each Within, [minutes outside, excluded]).

    "–" for what is not told.
    """
    cells = []
    for within in Within:
        is_told = cage.why_not(within, least) is None
        cells.append(fraction(cage.coverage(within)))
        for health in HEALTHS:
            cells.append(fraction(cage.share(within, health) if is_told else None))
    return cage, cells, [cage.outside[Within.ALL].minutes, cage.excluded]
