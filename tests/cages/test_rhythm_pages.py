"""The rhythm pages of a cage and of groups: what they tell, withhold, and cost."""

import math
import re
from datetime import date, timedelta
from urllib.parse import urlencode

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cages.drawing.rhythms import MARGIN, WIDTH, figure
from cages.exporting.study.comparison import compared, tallies_of
from cages.exporting.study.order import StudyOrder
from cages.history.groups import Within
from cages.history.light import LightPhase, light_of
from cages.history.window import DAY as DAY_LONG
from cages.history.window import Window
from cages.models import Health, Outcome
from cages.models.light import Regime
from cages.rhythm.question import MOST_CAGES, MOST_DAYS, Axis, Question
from tests.factories import (
    DAY,
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
from tests.pages import text_of

NOW = at("11:07:20")
DAYS = 4
START = slot("00:00") - DAYS * timedelta(days=1)
FIRST_DAY = DAY - timedelta(days=DAYS)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def write_days(cage, *, answered=1.0, active=(19, 7), days=DAYS):
    """Perfect in the dark (19 to 7 by the clock), Ok in the light; a share of it answered."""
    polls, owed = [], 0.0
    for number in range(days * 1440):
        clock = number // 60 % 24
        health = Health.PERFECT if clock >= active[0] or clock < active[1] else Health.OK
        owed += answered
        ended = health if owed >= 1 else Outcome.UNAVAILABLE
        owed -= math.floor(owed)
        polls.append((START + number * MINUTE, ended, 1500))
    write_polls(cage, polls)


@pytest.fixture
def owner():
    return make_user("rita")


@pytest.fixture
def cage(owner):
    return make_cage("Night owl", owner, room="R1", created_at=START)


SPAN = {"from": "2026-02-26", "to": "2026-03-01"}


def get(client_of, owner, cage, **query):
    address = reverse("cage-rhythm", args=[cage.pk])
    return client_of(owner).get(address, {**SPAN, **query})


def test_it_tells_the_rhythm_of_a_cage(client_of, owner, cage):
    write_days(cage)
    response = get(client_of, owner, cage)
    told = response.context["told"]
    assert told.rhythm.stability == pytest.approx(1, abs=0.05)
    assert told.rhythm.amplitude == pytest.approx(1)
    assert told.rhythm.onset.at == pytest.approx(19)
    assert told.rhythm.offset.at == pytest.approx(7)
    assert told.lomb_scargle.peak == pytest.approx(24, abs=0.1)
    # Active for half of the day, around 01:00: the first harmonic of a square wave.
    cosinor = dict(response.context["figures"])["Acrophase of the cosine of 24 hours"]
    assert cosinor == "01:00; mean 50.0 %, amplitude 63.7 %, explains 81.1 % of variance"
    page = response.content.decode()
    assert "Coverage 100.0" in page
    assert page.index("Lomb-Scargle") < page.index("Chi-square")
    assert "IS, stability between days" in page


def test_the_health_that_was_asked_for_is_told(client_of, owner, cage):
    write_days(cage)
    told = get(client_of, owner, cage, health="ok").context["told"]
    assert told.rhythm.onset.at == pytest.approx(7)


def test_figures_are_withheld_where_little_is_known(client_of, owner, cage):
    write_days(cage, answered=0.4)
    response = get(client_of, owner, cage)
    assert "They are withheld here" in response.content.decode()
    assert {value for _name, value in response.context["figures"]} == {"–"}
    assert response.context["periodograms"] == []


def test_hours_count_from_lights_on_on_the_axis_of_zt(client_of, owner, cage):
    write_days(cage)
    give_light(cage.room, make_schedule(), START)
    response = get(client_of, owner, cage, axis="zt")
    told = response.context["told"]
    assert told.is_zt
    assert told.rhythm.onset.at == pytest.approx(12)
    assert "ZT 12:00" in response.content.decode()


def write_active_in_the_dark(cage, start, end):
    """Perfect in the dark of its schedule, Ok in the light."""
    polls = []
    for run in light_of([cage.pk], Window(start, end))[cage.pk]:
        health = Health.PERFECT if run.phase == LightPhase.DARK else Health.OK
        polls += [(run.window.start + n * MINUTE, health, 1500) for n in range(run.window.minutes)]
    write_polls(cage, polls)


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [(date(2025, 3, 27), date(2025, 4, 1), 24), (date(2025, 10, 23), date(2025, 10, 28), 25)],
)
def test_zt_is_that_of_each_day_when_the_clock_is_set(client_of, owner, first, last, hours):
    start, end = at("00:00", first), at("00:00", last + DAY_LONG)
    cage = make_cage("Night owl", owner, room="R1", created_at=start)
    give_light(cage.room, make_schedule(), start - DAY_LONG)
    write_active_in_the_dark(cage, start, end)
    days = {"from": str(first), "to": str(last), "rows": "single"}
    response = get(client_of, owner, cage, axis="zt", **days)
    told = response.context["told"]
    assert (told.rhythm.onset.at, told.rhythm.onset.match) == (12, 1)
    assert (told.rhythm.offset.at, told.rhythm.offset.match) == (0, 1)
    assert not told.has_changed_light
    clocks = {timezone.localtime(moment).hour for moment in told.actogram.starts}
    assert clocks == {7}
    # Every row is light first, and then dark.
    assert told.actogram.rows.shape[1] == hours * 6
    assert np.nanmax(told.actogram.rows[:, :72]) == 0
    assert np.nanmin(told.actogram.rows[:, 72:]) == 1
    # The hours that a day does not have are drawn as nothing, and not as unknown.
    paths = dict(response.context["actogram"].paths)
    assert "gaps" not in paths
    # The dark is drawn from ZT 12 on, and in the first row from midnight, where the days begin.
    darks = {float(x) for x in re.findall(r"M([\d.]+)", paths["dark"])}
    assert darks == {round(MARGIN + hour / hours * WIDTH, 1) for hour in (12, 17)}


def test_a_schedule_that_was_shifted_is_told_and_days_count_from_their_own(client_of, owner, cage):
    give_light(cage.room, make_schedule(), START - DAY_LONG)
    give_light(cage.room, make_schedule("Late", on="10:00", off="22:00"), START + 2 * DAY_LONG)
    write_active_in_the_dark(cage, START, START + DAYS * DAY_LONG)
    response = get(client_of, owner, cage, axis="zt")
    told = response.context["told"]
    assert told.has_changed_light
    assert "The light schedule changed in these days" in response.content.decode()
    assert told.rhythm.onset.at == 12


def test_minutes_without_zt_are_counted_and_in_no_figure_of_zt(client_of, owner, cage):
    write_days(cage)
    give_light(cage.room, make_schedule(), START - DAY_LONG)
    constant = make_schedule("DD", on=None, regime=Regime.DARK)
    give_light(cage.room, constant, START + 2 * DAY_LONG)
    response = get(client_of, owner, cage, axis="zt")
    told = response.context["told"]
    assert told.without_zt == 2 * 1440
    assert "2,880 minutes have no ZT and are left out here" in response.content.decode()
    # Two days are too few for a figure of the day. Periods are of all minutes.
    assert {value for _name, value in response.context["figures"]} == {"–"}
    assert "They are withheld here" in response.content.decode()
    assert told.lomb_scargle.peak == pytest.approx(24, abs=0.1)


def test_it_says_where_there_is_no_lights_on(client_of, owner, cage):
    write_days(cage)
    assert "no lights on in these days" in get(client_of, owner, cage, axis="zt").content.decode()


def test_light_phases_are_drawn_over_the_rows(client_of, owner, cage):
    write_days(cage)
    kinds = {kind for kind, _ in get(client_of, owner, cage).context["actogram"].paths}
    assert not kinds & {"dark", "lit"}
    give_light(cage.room, make_schedule(), START)
    kinds = {kind for kind, _ in get(client_of, owner, cage).context["actogram"].paths}
    assert {"dark", "lit"} <= kinds


def test_a_bin_without_a_value_is_drawn_as_a_gap_and_not_as_zero(client_of, owner, cage):
    write_days(cage)
    cage.polls.filter(slot__gte=START, slot__lt=START + timedelta(hours=5)).delete()
    paths = dict(get(client_of, owner, cage, rows="single").context["actogram"].paths)
    # Hours 0 to 5 of the first row; nothing else.
    assert paths["gaps"].count("M") == 1


def test_tau_sets_the_length_of_a_row_and_a_bad_one_is_told(client_of, owner, cage):
    write_days(cage)
    response = get(client_of, owner, cage, axis="tau", tau="23.5")
    assert response.context["told"].actogram.tau == 23.5
    response = get(client_of, owner, cage, axis="tau", tau="3")
    assert response.context["told"].actogram.tau == 24
    assert "A period is 16 to 32 hours" in response.content.decode()


def test_handled_minutes_are_left_out_and_counted(client_of, owner, cage):
    write_days(cage)
    mark = START + timedelta(days=1, hours=9)
    make_mark(cage, mark, mark + timedelta(minutes=10))
    response = get(client_of, owner, cage, handling="out")
    told = response.context["told"]
    assert told.left_out == 131
    assert told.series.known_minutes == DAYS * 1440 - 131
    assert "131 minutes left out" in response.content.decode()


def test_long_spans_are_cut_to_their_last_days(client_of, owner, cage):
    cage.created_at = NOW - timedelta(days=400)
    cage.save()
    address = reverse("cage-rhythm", args=[cage.pk])
    response = client_of(owner).get(address, {"span": "365d"})
    assert response.context["window"].minutes == MOST_DAYS * 1440
    assert f"up to {MOST_DAYS} days" in response.content.decode()


def test_a_cage_without_a_minute_has_an_empty_page(client_of, owner):
    cage = make_cage(owner=owner, created_at=NOW)
    response = client_of(owner).get(reverse("cage-rhythm", args=[cage.pk]))
    assert response.status_code == 200
    assert "No full minute yet" in response.content.decode()


def test_a_cage_of_others_is_not_found(client_of, cage):
    assert get(client_of, make_user(), cage).status_code == 404


def test_the_question_keeps_what_differs_from_the_default():
    asked = Question.from_query({"health": "bad", "bin": "7", "axis": "tau", "tau": "23,5"})
    assert (asked.health, asked.bin_minutes, asked.axis, asked.tau) == (Health.BAD, 10, "tau", 23.5)
    assert asked.axis is Axis.TAU
    assert asked.query == "health=bad&axis=tau&tau=23.5"


@pytest.mark.parametrize(
    ("number", "digits", "words"),
    [(0.1239, 3, "0.124"), (23.999, 4, "24.00"), (0.0996, 2, "0.10"), (math.nan, 3, "–")],
)
def test_a_figure_is_rounded_and_not_cut(number, digits, words):
    assert figure(number, digits) == words


# Groups


@pytest.fixture
def grouped(owner):
    cages = []
    for number, group in enumerate(["control", "control", "treated"]):
        cage = make_cage(f"C{number}", owner, created_at=START)
        make_animal(cage, since=START.date(), group=group)
        make_animal(cage, since=START.date(), group=group)
        write_days(cage, active=(19, 7) if group == "control" else (22, 4))
        cages.append(cage)
    return cages


def group_page(client_of, owner, **query):
    return client_of(owner).get(reverse("cage-rhythms"), {**SPAN, **query})


def test_groups_are_told_with_the_cage_as_the_unit(client_of, owner, grouped):
    response = group_page(client_of, owner, group=["control", "treated"])
    groups = {one.group: one for one, _cells in response.context["groups"]}
    assert {name: one.cages for name, one in groups.items()} == {"control": 2, "treated": 1}
    assert groups["control"].figures["stability"].count == 2
    control, treated = (groups[name].figures["most"].middle for name in ("control", "treated"))
    assert control == pytest.approx(1)
    assert treated == pytest.approx(0.6)


def test_a_cage_of_several_groups_is_in_none_in_any_order_and_told_as_such(client_of, owner):
    first, later = FIRST_DAY, FIRST_DAY + DAY_LONG
    mixed = []
    for number, groups in enumerate([["treated", "control"], ["control", "treated", "treated"]]):
        cage = make_cage(f"M{number}", owner, created_at=START)
        for group in groups:
            make_animal(cage, since=first, until=later, group=group)
        mixed.append(cage)
    # One group after the other.
    cage = make_cage("M2", owner, created_at=START)
    make_animal(cage, since=first, until=later, group="control")
    make_animal(cage, since=later, group="treated")
    empty = make_cage("None", owner, created_at=START)
    chosen = [one.pk for one in (*mixed, cage, empty)]
    response = group_page(client_of, owner, cage=chosen)
    assert response.context["groups"] == []
    page = text_of(response)
    for label in ("M0", "M1", "M2"):
        assert f"{label}: animals of several groups (control + treated)" in page
    assert "None: no animal of a group" in page


def test_only_minutes_with_an_animal_of_the_group_count(client_of, owner):
    cage = make_cage("Short", owner, created_at=START)
    write_days(cage)
    make_animal(cage, since=FIRST_DAY, until=FIRST_DAY + DAY_LONG, group="treated")
    response = group_page(client_of, owner, group="treated")
    ((treated, _cells),) = response.context["groups"]
    assert (treated.cages, treated.known, treated.minutes) == (1, 1440, 1440)
    # A day is too little for a figure.
    assert set(treated.figures.values()) == {None}
    assert "4,320 min" in text_of(response)
    # The page of the cage itself tells all of its minutes.
    assert get(client_of, owner, cage).context["told"].series.known_minutes == DAYS * 1440


def test_the_rhythms_and_a_study_have_the_same_cages_in_each_group(client_of, owner, grouped):
    make_animal(grouped[1], since=FIRST_DAY + DAY_LONG, group="treated")
    window = Window(START, START + DAYS * DAY_LONG)
    order = StudyOrder([(one.pk, one.label, one.created_at) for one in grouped], window, None, [])
    found = compared(order, tallies_of(order))
    response = group_page(client_of, owner, cage=[one.pk for one in grouped])
    told = [(one.group, one.cages, one.known, one.minutes) for one, _ in response.context["groups"]]
    of_study = [
        (part.group, len(part.cages), parts.known, parts.minutes)
        for part in found.parts
        if part.within == Within.ALL
        for parts in [part.cages[0].parts[Within.ALL]]
    ]
    assert told == of_study == [("control", 1, 5760, 5760), ("treated", 1, 5760, 5760)]
    assert [label for label, *_rest in response.context["left_out"]] == [grouped[1].label]
    assert [one.label for one, _why in found.left_out] == [grouped[1].label]


def test_only_the_cages_of_the_chosen_group_are_told(client_of, owner, grouped):
    response = group_page(client_of, owner, group="treated")
    assert [told.cage for told, _cells in response.context["cages"]] == grouped[2:]
    assert "treated" in response.content.decode()


def test_cages_can_be_chosen_by_number(client_of, owner, grouped):
    response = group_page(client_of, owner, cage=[grouped[0].pk, grouped[2].pk])
    assert len(response.context["cages"]) == 2


def test_the_list_leads_to_the_rhythms_of_the_cages_that_it_shows(client_of, owner, grouped):
    chosen = {"act": "rhythms", "which": "all", "q": grouped[1].label}
    response = client_of(owner).get(reverse("cage-bulk"), chosen)
    page = client_of(owner).get(f"{response.url}&{urlencode(SPAN)}")
    assert response.url.startswith(f"{reverse('cage-rhythms')}?which=all")
    assert [told.cage for told, _cells in page.context["cages"]] == [grouped[1]]


def test_cages_and_groups_of_others_are_not_told(client_of, grouped):
    response = group_page(client_of, make_user(), group="control", cage=grouped[0].pk)
    assert response.context["cages"] == []
    assert response.context["names"] == []


def test_no_more_cages_than_the_page_names(client_of, owner):
    cages = [make_cage(f"X{n}", owner, created_at=START) for n in range(MOST_CAGES + 1)]
    response = group_page(client_of, owner, cage=[cage.pk for cage in cages])
    assert len(response.context["cages"]) == MOST_CAGES
    assert f"Only the first {MOST_CAGES} cages" in response.content.decode()


# What they cost


@pytest.mark.parametrize("handling", ["", "out"])
def test_more_marks_and_animals_do_not_cost_more_queries(client_of, owner, cage, handling):
    with CaptureQueriesContext(connection) as first:
        get(client_of, owner, cage, handling=handling)
    write_days(cage)
    for number in range(5):
        make_mark(cage, START + timedelta(days=number))
        make_animal(cage, since=DAY - timedelta(days=5))
    with CaptureQueriesContext(connection) as second:
        get(client_of, owner, cage, handling=handling)
    assert len(second) == len(first)


def test_more_cages_do_not_cost_more_queries(client_of, owner, grouped):
    with CaptureQueriesContext(connection) as first:
        group_page(client_of, owner, cage=grouped[0].pk)
    with CaptureQueriesContext(connection) as second:
        group_page(client_of, owner, cage=[cage.pk for cage in grouped])
    assert len(second) == len(first)


def test_the_window_of_a_cage_begins_with_the_cage(client_of, owner):
    cage = make_cage(owner=owner, created_at=slot("10:00"))
    response = client_of(owner).get(reverse("cage-rhythm", args=[cage.pk]))
    assert response.context["window"] == Window(slot("10:00"), slot("11:07"))
