"""The page that compares the groups of a study: what it tells, who sees it, and what it costs."""

from datetime import timedelta

import pytest
from django.urls import reverse

from cages.drawing.dots import axis_end, dot_picture
from cages.exporting.study.comparison import compared, tallies_of
from cages.exporting.study.order import StudyOrder
from cages.history.groups import Within
from cages.history.window import Window
from cages.models import Health, Outcome, Study
from cages.views.history import study_groups
from tests.factories import (
    MINUTE,
    at,
    give_light,
    make_animal,
    make_cage,
    make_mark,
    make_schedule,
    make_user,
    slot,
    write_polls,
)
from tests.pages import queries_of, text_of

NOW = at("12:00")
pytestmark = pytest.mark.usefixtures("clock")
WINDOW = Window(at("06:00"), at("08:00"))


def make_grouped(user, label, group, perfect, answered=120):
    """A cage of a group with so many Perfect minutes of 120; the others are Ok, then unanswered."""
    cage = make_cage(label, user, room="Room 1")
    if group:
        make_animal(cage, group=group)
    ended = [Health.PERFECT] * perfect + [Health.OK] * (answered - perfect)
    ended += [Outcome.TIMEOUT] * (120 - answered)
    write_polls(cage, [(slot("06:00") + n * MINUTE, one, 900) for n, one in enumerate(ended)])
    return cage


def make_study(*cages, margin=timedelta(minutes=10), **fields):
    pairs = [(cage.pk, cage.label, cage.created_at) for cage in cages]
    order = StudyOrder(pairs, WINDOW, margin, [], **fields)
    study = Study.objects.create(title="Sleep", by="anna", made_at=NOW, order=order.to_json())
    study.cages.set(cages)
    return study


@pytest.fixture
def cages(user):
    cages = [
        *(make_grouped(user, f"C{n}", "control", n * 12) for n in (1, 2, 4)),
        *(make_grouped(user, f"T{n}", "treated", n * 12) for n in (6, 8)),
    ]
    give_light(cages[0].room, make_schedule(), at("00:00"))
    return cages


def page_of(browser, study):
    return browser.get(reverse("study-groups", args=[study.pk]))


def test_groups_are_told_with_n_coverage_and_figures(browser, cages):
    response = page_of(browser, make_study(*cages))
    perfect = response.context["told"][0]
    rows = {(words, group): cells for words, group, cells in perfect.rows}
    count, withheld, coverage, *figures = rows["All minutes", "control"]
    assert (count, withheld, coverage) == ("3", "0", "100.0 %; 100.0 %")
    assert figures == ["20.0 %", "–", "10.0 %; 40.0 %", "23.3 %", "15.3 %"]
    # The lights go on at 07:00, so all that is Perfect is in the dark.
    assert rows["Dark phase", "treated"][5] == "100.0 %; 100.0 %"
    page = text_of(response)
    assert "The cage is the unit" in page
    assert "No test of significance is made." in page


def test_cages_that_give_no_value_are_named_with_the_reason(browser, user, cages):
    weak = make_grouped(user, "Weak", "control", 12, answered=40)
    nobody = make_grouped(user, "Nobody", "", 12)
    mixed = make_grouped(user, "Mixed", "control", 12)
    make_animal(mixed, group="treated")
    page = text_of(page_of(browser, make_study(*cages, weak, nobody, mixed)))
    assert "2 cages in no group" in page
    assert "Mixed: animals of several groups (control + treated)" in page
    assert "Nobody: no animal of a group" in page
    assert "Weak control All minutes too little is known 33.3 %" in page


def test_the_studys_own_coverage_and_exclusions_hold(browser, user, cages):
    weak = make_grouped(user, "Weak", "weak", 12, answered=40)
    make_mark(weak, at("06:30"), at("06:39"))
    response = page_of(browser, make_study(weak, least_coverage_percent=10))
    (cage, _cells, counts) = response.context["cages"][0]
    # 06:20 to 06:49.
    assert counts == [0, 30]
    rows = {words: cells for words, _group, cells in response.context["told"][0].rows}
    # 12 of the 20 known minutes that are left are Perfect.
    assert rows["All minutes"][3] == "60.0 %"
    assert "less than 10 % is known" in text_of(response)


def test_each_picture_has_a_dot_for_each_cage(cages):
    order = StudyOrder.from_json(make_study(*cages).order)
    found = compared(order, tallies_of(order))
    parts = [part for part in found.parts if part.within == Within.ALL]
    assert axis_end(parts, Health.PERFECT) == 100
    assert axis_end(parts, Health.BAD) == 1
    picture = dot_picture(parts, Health.PERFECT, 100)
    paths = dict(picture.paths)
    # Each dot is two arcs.
    assert paths["dot"].count("a") == 2 * 5
    assert paths["median"].count("M") == 2
    assert [row.text for row in picture.rows] == ["control, n = 3", "treated, n = 2"]


def test_dots_at_the_same_place_are_moved_apart(user):
    order = StudyOrder.from_json(
        make_study(*(make_grouped(user, f"C{n}", "control", 60) for n in range(5))).order
    )
    parts = compared(order, tallies_of(order)).parts[:1]
    dots = dict(dot_picture(parts, Health.PERFECT, 100).paths)["dot"].split("z")
    assert len({dot.split("a")[0] for dot in dots if dot}) == 5


def test_only_who_sees_all_cages_sees_the_comparison(browser, user, cages, client_of):
    study = make_study(*cages)
    assert page_of(client_of(make_user()), study).status_code == 404
    study.cages.add(make_cage("Theirs"))
    assert page_of(browser, study).status_code == 404


def test_a_study_without_groups_says_so(browser, user):
    response = page_of(browser, make_study(make_grouped(user, "Nobody", "", 12)))
    assert "No cage has animals of one group" in text_of(response)


@pytest.mark.parametrize(("name", "most"), [("MOST_MINUTES", 100), ("MOST_CAGES", 4)])
def test_a_larger_study_is_told_where_its_tables_are(browser, cages, monkeypatch, name, most):
    monkeypatch.setattr(study_groups, name, most)
    page = text_of(page_of(browser, make_study(*cages)))
    assert "The package has the same tables: groups.csv" in page
    assert "This study has 5 cages and up to 600 minutes." in page


def test_more_cages_do_not_cost_more_queries(browser, user, cages):
    one, all_ = make_study(cages[0]), make_study(*cages)
    make_mark(cages[1].room, at("06:30"))
    make_mark(cages[2], at("06:40"))
    assert queries_of(page_of, browser, one) == queries_of(page_of, browser, all_)
