"""Groups of cages: one value for each cage, and what is told over them. No database."""

from datetime import timedelta

import numpy as np
import pytest

from cages.history.animals import Stretch
from cages.history.groups import (
    Figures,
    OneCage,
    Tally,
    WhyOut,
    Within,
    comparison_of,
)
from cages.history.light import LightPhase
from cages.history.minutes import Minute
from cages.history.window import Window
from cages.models import Animal, Health
from tests.factories import MINUTE, slot

START = slot("06:00")
B, O, P = Minute.BAD, Minute.OK, Minute.PERFECT  # noqa: E741
N, W = Minute.NO_ANSWER, Minute.NOT_WATCHED
DARK, LIGHT, UNKNOWN = LightPhase.DARK, LightPhase.LIGHT, LightPhase.UNKNOWN


def window(first, end):
    return Window(START + first * MINUTE, START + end * MINUTE)


def lived(first, end, *groups):
    return Stretch(window(first, end), tuple(Animal(group=group) for group in groups))


def tally(minutes, *stretches, phases=None, excluded=(), number=1):
    """A Tally of these minutes, all of them in the group "a" unless stretches are given."""
    count = len(minutes)
    one = Tally(number, f"C{number}", stretches or [lived(0, count, "a")])
    mask = bytes(place in excluded for place in range(count))
    one.add(window(0, count), bytes(minutes), bytes(phases or [UNKNOWN] * count), mask)
    return one


def cage(*arguments, **fields):
    return OneCage.of(tally(*arguments, **fields))


def test_a_share_is_of_known_minutes_and_the_coverage_of_all():
    one = cage([P, P, P, O, N, W, W, W])
    assert one.share(Within.ALL, Health.PERFECT) == 3 / 4
    assert one.share(Within.ALL, Health.OK) == 1 / 4
    assert one.coverage(Within.ALL) == 4 / 8
    assert one.parts[Within.ALL].unanswered == 1
    assert one.parts[Within.ALL].not_watched == 3


def test_dark_and_light_are_told_apart_and_all_has_the_unknown_phase_too():
    one = cage([P, P, O, B, N, P], phases=[DARK, DARK, DARK, LIGHT, LIGHT, UNKNOWN])
    assert one.share(Within.DARK, Health.PERFECT) == 2 / 3
    assert one.share(Within.LIGHT, Health.BAD) == 1
    assert one.coverage(Within.LIGHT) == 1 / 2
    assert [one.parts[within].minutes for within in Within] == [6, 3, 2]


def test_excluded_minutes_are_counted_and_in_no_share():
    one = cage([P, P, B, B], excluded=(2,))
    assert one.share(Within.ALL, Health.PERFECT) == 2 / 3
    assert (one.parts[Within.ALL].minutes, one.excluded) == (3, 1)


def test_minutes_without_an_animal_of_a_group_are_outside_of_it():
    one = cage([B, B, P, P, P], lived(0, 2), lived(2, 5, "a", "a"))
    assert (one.group, one.why_out) == ("a", None)
    assert one.share(Within.ALL, Health.PERFECT) == 1
    assert one.outside[Within.ALL].minutes == 2


@pytest.mark.parametrize(
    ("stretches", "why"),
    [
        ([lived(0, 2, "a"), lived(2, 4, "b")], WhyOut.SEVERAL_GROUPS),
        ([lived(0, 4, "a", "b")], WhyOut.SEVERAL_GROUPS),
        ([lived(0, 4, "")], WhyOut.NO_GROUP),
        ([lived(0, 4)], WhyOut.NO_GROUP),
        # A name of a group is never taken for two of them.
        ([lived(0, 4, "a + b")], None),
    ],
    ids=["one after the other", "at the same time", "animals without", "no animals", "a plus"],
)
def test_a_cage_of_no_group_or_of_several_is_in_none(stretches, why):
    assert cage([P] * 4, *stretches).why_out == why


def test_a_group_within_excluded_minutes_does_not_count():
    one = cage([B, P, P, P], lived(0, 1, "b"), lived(1, 4, "a"), excluded=(0,))
    assert (one.group, one.why_out) == ("a", None)


def test_a_cage_of_which_no_minute_counts_says_so():
    assert cage([P, P], excluded=(0, 1)).why_out == WhyOut.NO_MINUTES
    assert cage([]).why_out == WhyOut.NO_MINUTES


def test_parts_of_a_window_add_up_to_the_same_as_the_whole():
    random = np.random.default_rng(5)
    codes, phases = random.integers(0, 5, 600), random.integers(0, 3, 600)
    mask = random.integers(0, 2, 600)
    stretches = [lived(0, 100), lived(100, 350, "a"), lived(350, 600, "a", "a")]
    whole, cut = Tally(1, "C", stretches), Tally(1, "C", stretches)
    for one, edges in ((whole, [0, 600]), (cut, [0, 37, 100, 480, 600])):
        for first, end in zip(edges, edges[1:], strict=False):
            part = (bytes(array[first:end].tolist()) for array in (codes, phases, mask))
            one.add(window(first, end), *part)
    assert OneCage.of(whole) == OneCage.of(cut)
    (counts,) = [counts for groups, counts in whole.counts.items() if groups]
    kept = (mask == 0) & (np.arange(600) >= 100)
    assert counts[DARK][P] == ((codes == P) & (phases == DARK) & kept).sum()


def test_figures_are_those_of_numpy():
    values = [0.2, 0.9, 0.4, 0.7, 0.3]
    one = Figures.of(values)
    assert one.count == 5
    assert one.median == pytest.approx(0.4)
    assert one.quartiles == pytest.approx(tuple(np.quantile(values, [0.25, 0.75])))
    assert (one.lowest, one.highest) == (0.2, 0.9)
    assert one.mean == pytest.approx(0.5)
    # By hand: squares of -0.3, 0.4, -0.1, 0.2, -0.2 add up to 0.34, over n - 1.
    assert one.sd == pytest.approx((0.34 / 4) ** 0.5)


def test_too_few_cages_have_no_quartiles_and_one_has_no_sd():
    three, single = Figures.of([0.1, 0.2, 0.6]), Figures.of([0.5])
    assert three.quartiles is None
    assert three.sd is not None
    assert (single.median, single.sd) == (0.5, None)
    assert Figures.of([]) is None


def part_of(comparison, group, within=Within.ALL):
    (found,) = [one for one in comparison.parts if (one.group, one.within) == (group, within)]
    return found


def test_each_cage_has_the_same_weight_however_many_minutes_are_known():
    found = comparison_of([tally([P] * 100), tally([B], number=2)], 0.5)
    one = part_of(found, "a").figures[Health.PERFECT]
    assert (one.count, one.mean, one.median) == (2, 0.5, 0.5)


def test_a_cage_below_the_lowest_coverage_is_withheld_and_named():
    half, less = tally([P, N]), tally([P, N, N], number=2)
    found = part_of(comparison_of([half, less], 0.5), "a")
    assert [one.label for one in found.cages] == ["C1"]
    assert [(one.label, why) for one, why in found.withheld] == [("C2", WhyOut.LITTLE_KNOWN)]
    assert (found.coverage.median, found.coverage.lowest) == (0.5, 0.5)


def test_a_cage_is_withheld_only_in_the_phase_of_which_little_is_known():
    one = tally([P, P, P, N, N, P], phases=[DARK] * 3 + [LIGHT] * 3)
    found = comparison_of([one], 0.5)
    assert len(part_of(found, "a", Within.DARK).cages) == 1
    assert part_of(found, "a", Within.LIGHT).withheld[0][1] == WhyOut.LITTLE_KNOWN
    assert part_of(found, "a", Within.LIGHT).figures[Health.PERFECT] is None


def test_nothing_known_gives_no_value_even_where_no_coverage_is_asked_for():
    found = part_of(comparison_of([tally([N, N])], 0.0), "a")
    assert found.withheld[0][1] == WhyOut.LITTLE_KNOWN


def test_a_phase_that_never_was_has_no_minutes():
    found = part_of(comparison_of([tally([P, P])], 0.5), "a", Within.DARK)
    assert found.withheld[0][1] == WhyOut.NO_MINUTES


def test_groups_are_in_the_order_of_their_names_and_the_others_are_left_out():
    cages = [
        tally([P], lived(0, 1, "b")),
        tally([P], number=2),
        tally([P], lived(0, 1), number=3),
    ]
    found = comparison_of(cages, 0.5)
    assert [part.group for part in found.parts] == ["a"] * 3 + ["b"] * 3
    assert [(one.label, why) for one, why in found.left_out] == [("C3", WhyOut.NO_GROUP)]


def test_stretches_outside_of_the_cages_own_minutes_do_not_count():
    one = Tally(1, "C", [lived(0, 10, "b"), lived(10, 20, "a")])
    own = Window(START + 10 * MINUTE, START + timedelta(minutes=20))
    one.add(own, bytes([P] * 10), bytes([DARK] * 10), bytes(10))
    assert OneCage.of(one).group == "a"
