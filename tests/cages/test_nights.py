"""The last dark phase of a cage against those before it."""

from datetime import timedelta

import pytest

from cages.history.light import light_of
from cages.history.minutes import Minute
from cages.history.nights import COVERAGE_AT_LEAST, LOOKED_BACK, PHASES_AT_LEAST, night_of
from cages.history.window import DAY, Window
from cages.models import Health
from cages.models.light import Regime
from tests.factories import at, give_light, make_cage, make_mark, make_schedule, write_polls
from tests.pages import text_of

NOW = at("09:00:30")
WINDOW = Window(at("00:00") - LOOKED_BACK, at("09:00"))
LONG_AGO = at("00:00") - timedelta(days=30)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cage(user):
    cage = make_cage("Colony 1", user, room="R2", created_at=LONG_AGO)
    give_light(cage.room, make_schedule(), LONG_AGO)
    return cage


def runs_of_cage(cage, window=WINDOW):
    return light_of([cage.pk], Window(window.start, window.end + DAY))[cage.pk]


def minutes_with(nights, known=600):
    """The minutes of WINDOW. nights: minutes of Bad of each dark phase, the last one first."""
    minutes = bytearray(WINDOW.minutes)
    for number, bad in enumerate(nights):
        dusk = at("19:00") - (number + 1) * DAY
        first = int((dusk - WINDOW.start) / timedelta(minutes=1))
        codes = [Minute.BAD] * bad + [Minute.PERFECT] * (known - bad)
        minutes[first : first + known] = bytes(codes)
    return bytes(minutes)


def night(cage, nights, known=600):
    return night_of(minutes_with(nights, known), WINDOW, runs_of_cage(cage))


def test_the_usual_share_is_the_range_over_seven_dark_phases(cage):
    found = night(cage, [41, 0, 6, 12, 3, 3, 3, 3, 500])
    assert (found.window.start, found.window.minutes) == (at("19:00") - DAY, 720)
    assert (found.bad.count, found.bad.total, found.health.minutes) == (41, 600, 720)
    assert (found.usual.low.count, found.usual.high.count, found.usual.phases) == (0, 12, 7)
    assert found.place == "above"


def test_what_lies_in_the_range_is_within_it(cage):
    assert night(cage, [12, 6, 12, 7]).place == "within"
    assert night(cage, [5, 6, 12, 7]).place == "below"


def test_phases_of_which_little_is_known_do_not_count(cage):
    known = COVERAGE_AT_LEAST * 720 // 100
    assert night(cage, [1] * 8, known).usual.phases == 7
    little = night(cage, [1] * 8, known - 1)
    assert (little.usual, little.known_before, little.place) == (None, 0, "")


def test_too_few_phases_say_nothing_of_what_is_usual(cage):
    assert night(cage, [1] * (PHASES_AT_LEAST + 1)).usual.phases == PHASES_AT_LEAST
    few = night(cage, [1] * PHASES_AT_LEAST)
    assert (few.usual, few.known_before) == (None, PHASES_AT_LEAST - 1)


def test_a_last_phase_of_which_little_is_known_is_not_compared(cage):
    minutes = bytearray(minutes_with([3] * 8))
    first = int((at("19:00") - DAY - WINDOW.start) / timedelta(minutes=1))
    minutes[first + 100 : first + 720] = bytes(620)
    found = night_of(bytes(minutes), WINDOW, runs_of_cage(cage))
    assert (found.usual.phases, found.is_known, found.place) == (7, False, "")


def test_the_phase_under_way_is_not_the_last_one(cage):
    window = Window(WINDOW.start, at("06:00"))
    found = night_of(bytes(window.minutes), window, runs_of_cage(cage, window))
    assert found.window.start == at("19:00") - 2 * DAY


def test_a_phase_that_began_before_the_cage_is_none(cage):
    window = Window(at("20:00") - DAY, at("09:00"))
    assert night_of(bytes(window.minutes), window, runs_of_cage(cage)) is None


def test_constant_dark_has_no_dark_phase(cage):
    give_light(cage, make_schedule("DD", on=None, regime=Regime.DARK), LONG_AGO)
    assert night(cage, [1] * 8) is None


def test_minutes_near_handling_are_counted(cage, settings):
    settings.HANDLING_MARGIN_MINUTES = 60
    # From 19:00 to 19:10, and nothing of the hour before dusk.
    marks = [make_mark(cage, at("17:50") - DAY, at("18:10") - DAY)]
    found = night_of(minutes_with([1] * 8), WINDOW, runs_of_cage(cage), marks)
    assert found.handled == 11


def test_the_page_says_it_with_its_coverage(browser, cage):
    polls = [
        (at("19:00") - (number + 1) * DAY + timedelta(minutes=minute), health, 1500)
        for number, bad in enumerate([41, 0, 6, 12])
        for minute in range(505)
        for health in [Health.BAD if minute < bad else Health.PERFECT]
    ]
    write_polls(cage, polls)
    make_mark(cage, at("17:50") - DAY, at("18:10") - DAY)
    shown = text_of(browser.get(cage.get_absolute_url()))
    assert (
        "Bad 41 of 505 known minutes of 720 (8.1 %); usual for this cage: 0.0 % to 2.4 % of the "
        "known minutes, in 3 dark phases before it. More than usual. 11 of its minutes are within "
        "60 min of handling."
    ) in shown


def test_the_page_of_a_new_cage_says_that_no_phase_is_over(browser, user):
    cage = make_cage(owner=user, room="R3", created_at=at("08:00"))
    give_light(cage.room, make_schedule(), LONG_AGO)
    assert "No dark phase of this cage is over yet" in text_of(browser.get(cage.get_absolute_url()))
