"""The comparison of the groups of a study: read for a page, and as the files of its package."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cages.exporting.at_minutes import AtMinutes
from cages.exporting.columns import CAGE, Column
from cages.exporting.study.order import StudyOrder
from cages.history.animals import stretches_of
from cages.history.groups import (
    LEAST_FOR_QUARTILES,
    LEAST_FOR_SD,
    Comparison,
    GroupPart,
    OneCage,
    Tally,
    WhyOut,
    Within,
    comparison_of,
)
from cages.history.handling import disturbed, marks_of, mask_of
from cages.history.light import light_of, phases_of
from cages.history.many_minutes import minutes_of_many
from cages.models import Health
from cages.slots import SLOT_LENGTH

# Perfect first, as people read them.
HEALTHS = tuple(reversed(Health))
WITHIN = Column(
    "within", "text", format_lazy(_("Which minutes: {words}."), words=", ".join(Within))
)
GROUPS = [
    Column("group", "text", _("The group.")),
    WITHIN,
    Column("health", "text", _("Which health the shares are of: perfect, ok, bad.")),
    Column("cages", "integer", _("n: how many cages give a value. The cage is the unit.")),
    Column("withheld", "integer", _("Cages of the group that give none. group-cages says why.")),
    Column(
        "coverage_median",
        "number",
        _("Coverage of these n cages, the median: known minutes of those that count, 0 to 1."),
    ),
    Column("coverage_lowest", "number", _("The lowest coverage of these n cages.")),
    Column(
        "median",
        "number",
        _("Median over the cages of the share of this health in known minutes, 0 to 1."),
    ),
    *(
        Column(
            name,
            "number",
            format_lazy(
                _("Quartile {name}, interpolated (type 7). Empty below {least} cages."),
                name=name,
                least=LEAST_FOR_QUARTILES,
            ),
        )
        for name in ("q1", "q3")
    ),
    Column("lowest", "number", _("The lowest share of a cage.")),
    Column("highest", "number", _("The highest share of a cage.")),
    Column("mean", "number", _("Mean over the cages, each with the same weight.")),
    Column(
        "sd",
        "number",
        format_lazy(
            _("Standard deviation of a sample (n - 1). Empty below {least} cages."),
            least=LEAST_FOR_SD,
        ),
    ),
]
GROUP_CAGES = [
    *CAGE,
    Column("group", "text", _("The group of its animals. Several are joined by +.")),
    WITHIN,
    Column(
        "why_not",
        "text",
        format_lazy(
            _(
                "Why the cage gives no value: {words}. no_minutes: none counts. no_group: none of "
                "its animals has a group. several_groups: its animals were of more than one in the "
                "minutes that count. little_known: its coverage is below that of the study. "
                "Empty: it gives one."
            ),
            words=", ".join(WhyOut),
        ),
    ),
    Column("minutes", "integer", _("Minutes that count: not excluded, with an animal of a group.")),
    Column("outside_group", "integer", _("Other minutes not excluded: no animal of a group.")),
    Column("known", "integer", _("Known minutes of those that count.")),
    Column("coverage", "number", _("Known minutes as a share of those that count, 0 to 1.")),
    Column("perfect", "integer", _("Minutes known to be Perfect.")),
    Column("ok", "integer", _("Minutes known to be Ok.")),
    Column("bad", "integer", _("Minutes known to be Bad.")),
    Column("perfect_share", "number", _("Perfect as a share of the known minutes, 0 to 1.")),
    Column("ok_share", "number", _("Ok as a share of the known minutes, 0 to 1.")),
    Column("bad_share", "number", _("Bad as a share of the known minutes, 0 to 1.")),
]


def tallies_of(order: StudyOrder) -> list[Tally]:
    """The minutes of the study's cages, counted for a comparison; six queries."""
    ids = [cage_id for cage_id, *_rest in order.there]
    minutes, light = minutes_of_many(ids, order.window), light_of(ids, order.window)
    stretches = stretches_of(ids, order.window)
    marks = {} if order.margin is None else marks_of(ids, order.window, order.margin)
    nothing, unwatched = AtMinutes.nothing(order.window), bytes(order.window.minutes)
    found = []
    for cage_id, label, created_at in order.cages:
        tally = Tally(cage_id, label, stretches.get(cage_id, nothing.stretches))
        own = order.window.since(created_at)
        before = order.window.minutes - own.minutes
        spans = [(one.window.start, one.window.end - SLOT_LENGTH) for one in order.exclusions]
        excluded = np.frombuffer(mask_of(spans, own), np.uint8)
        if order.margin is not None:
            handled = disturbed(marks.get(cage_id, []), own, order.margin)
            excluded = excluded | np.frombuffer(handled, np.uint8)
        phases = phases_of(light.get(cage_id, nothing.light))[before:]
        codes = minutes.get(cage_id, unwatched)[before:]
        tally.add(own, codes, phases, excluded.tobytes())
        found.append(tally)
    return found


def compared(order: StudyOrder, tallies: Iterable[Tally]) -> Comparison:
    """The groups of the study, with its own lowest coverage."""
    return comparison_of(tallies, order.least_coverage)


def group_rows(comparison: Comparison) -> Iterator[tuple[Any, ...]]:
    """The rows of groups.csv: groups by name, each within all minutes, dark and light."""
    for part in comparison.parts:
        for health in HEALTHS:
            yield _group_row(part, health)


def _group_row(part: GroupPart, health: Health) -> tuple[Any, ...]:
    head = (part.group, part.within.value, health.word, len(part.cages), len(part.withheld))
    coverage, one = part.coverage, part.figures[health]
    if coverage is None or one is None:
        return (*head, *[None] * 9)
    q1, q3 = one.quartiles or (None, None)
    numbers = (coverage.median, coverage.lowest, one.median, q1, q3, one.lowest, one.highest)
    return (*head, *map(_number, (*numbers, one.mean, one.sd)))


def cage_rows(comparison: Comparison) -> Iterator[tuple[Any, ...]]:
    """The rows of group-cages.csv: every cage of the study, also those in no group."""
    for cage in comparison.cages:
        for within in Within:
            yield _cage_row(cage, within, comparison.least)


def _cage_row(cage: OneCage, within: Within, least: float) -> tuple[Any, ...]:
    part, why = cage.parts[within], cage.why_not(within, least)
    return (
        *(cage.cage_id, cage.label, cage.group, within.value, why.value if why else None),
        *(part.minutes, cage.outside[within].minutes, part.known),
        _number(cage.coverage(within)),
        *(part.by_status[health] for health in HEALTHS),
        *(_number(cage.share(within, health)) for health in HEALTHS),
    )


def _number(value: float | None) -> str | None:
    """Six decimals: a share of millions of minutes has no more, and it is the same everywhere."""
    return None if value is None else f"{value:.6f}"
