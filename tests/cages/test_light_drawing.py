"""Light on the pages of a cage: bands over strips, ZT beside the clock, and the time axes."""

import re
from datetime import date, time, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from cages.drawing import charts, light
from cages.drawing.stacks import stack_of
from cages.history.axis import CLOCK, TAU, ZT, Axis
from cages.history.buckets import buckets_of
from cages.history.light import light_of, runs_of
from cages.history.minutes import Minute
from cages.history.span import Span
from cages.history.window import DAY, Window
from cages.models import Health, LightPeriod, LightSchedule
from cages.models.light import Regime
from tests.factories import (
    MINUTE,
    at,
    give_light,
    make_cage,
    make_mark,
    make_schedule,
    record_minutes,
    slot,
)
from tests.pages import text_of

NOW = at("07:12:30")
LONG_AGO = at("00:00") - timedelta(days=30)
pytestmark = pytest.mark.usefixtures("clock")
# The clock is set back.
AUTUMN = at("00:00", date(2026, 10, 24))


@pytest.fixture
def cage(user):
    return make_cage("Colony 1", user, room="R2", rack="B", created_at=LONG_AGO)


@pytest.fixture
def lit(cage):
    """The cage in a room with 12 hours of light from 07:00."""
    give_light(cage.room, make_schedule(), LONG_AGO)
    return cage


def history(browser, cage, **query):
    return browser.get(reverse("cage-history", args=[cage.pk]), query)


def twelve_hours():
    """A period of no place, for runs that need no database."""
    schedule = LightSchedule(lights_on=time(7), lights_off=time(19))
    return LightPeriod(schedule=schedule)


def of(cage, window):
    return light_of([cage.pk], window)[cage.pk]


def test_the_band_of_a_strip_is_thick_in_the_dark_and_thin_in_the_light(lit):
    window = Window(at("06:00"), at("08:00"))
    shade = light.shade_of(of(lit, window), window.start, 0, 120)
    assert shade.paths == [
        ("shadow", "M0 8h60"),
        ("dark", "M0 -2.5h60"),
        ("lit", "M60 -1.5h60"),
    ]
    assert shade.data == "[[0,60,2,1380],[60,120,1,0]]"


def test_without_a_schedule_there_is_no_band(cage):
    window = Window(at("06:00"), at("08:00"))
    assert light.shade_of(of(cage, window), window.start, 0, 120) is None


def test_only_what_is_known_has_a_band(cage):
    give_light(cage.room, make_schedule("DD", on=None, regime=Regime.DARK), at("07:00"))
    window = Window(at("06:00"), at("08:00"))
    shade = light.shade_of(of(cage, window), window.start, 0, 120)
    assert shade.paths[1] == ("dark", "M60 -2.5h60")
    # Constant dark has no ZT.
    assert shade.data == "[[60,120,2,null]]"


def test_the_page_of_a_cage_says_zt_and_shades_its_strips(browser, lit):
    page = browser.get(lit.get_absolute_url())
    shown = text_of(page)
    assert "ZT 0:12, lights on since 07:00" in shown
    # The whole day, also what is to come: dark, light, dark.
    assert 'd="M0 -2.5h420M1140 -2.5h300"' in page.content.decode()
    assert "thick line above: dark phase" in shown


def test_without_a_schedule_the_page_of_a_cage_says_nothing_of_light(browser, cage):
    page = browser.get(cage.get_absolute_url())
    assert "ZT" not in text_of(page)
    assert "dark phase" not in text_of(page)


def test_the_table_by_hour_says_the_phase(browser, cage):
    give_light(cage.room, make_schedule(on="06:30", off="18:30"), LONG_AGO)
    shown = text_of(browser.get(cage.get_absolute_url()))
    assert "05:00 dark phase 0" in shown
    assert "06:00 dark phase 30 min, light phase 30 min 0" in shown


def test_the_list_shades_the_last_hour(browser, lit):
    page = browser.get(reverse("cage-list")).content.decode()
    assert 'd="M0 -2.5h48"' in page
    assert 'd="M48 -1.5h12"' in page


def test_the_header_says_zt_where_all_rooms_have_the_same_light(browser, lit, user):
    shown = text_of(browser.get(reverse("light")))
    assert "Europe/Berlin · ZT 0:12, light phase" in shown
    other = make_cage(owner=user, room="R3")
    assert "· ZT 0:12" not in text_of(browser.get(reverse("light")))
    give_light(other.room, LightSchedule.objects.get(), at("07:00"))
    assert "· ZT 0:12" in text_of(browser.get(reverse("light")))
    give_light(other.room, make_schedule("Other", on="06:00", off="18:00"), at("07:05"))
    assert "· ZT" not in text_of(browser.get(reverse("light")))


def test_a_minute_is_told_with_its_zt(browser, lit):
    record_minutes(lit, slot("03:00"), [Health.OK])
    shown = text_of(history(browser, lit, at="2026-03-02T03:00", span="today"))
    assert "ZT 20:00, dark since 19:00" in shown


def test_charts_know_the_phases_of_hours_and_not_of_days(lit):
    window = Window(at("06:00"), at("08:00"))
    runs = of(lit, window)
    buckets = buckets_of([lit.pk], window, True)[lit.pk]
    told = charts.shares(buckets, True, runs)["light"]
    assert [(dark, words) for _start, _end, dark, words in told] == [
        (True, "dark phase"),
        (False, "light phase"),
    ]
    assert charts.shares(buckets, False, runs)["light"] == []
    assert [lights for _start, lights, _cells in charts.table(buckets, True, runs)] == [
        "dark phase",
        "light phase",
    ]


# Time axes


def rows_of(stack):
    return [(row["day"], row["clock"], row["at"], row["end"] - row["first"]) for row in stack.rows]


def test_rows_of_zt_begin_at_lights_on(lit):
    window = Window(at("00:00") - 2 * DAY, at("12:00"))
    minutes = bytes([Minute.OK]) * window.minutes
    stack = stack_of(minutes, window, Axis(ZT), of(lit, window))
    assert rows_of(stack) == [
        ("2026-02-28", "00:00", "1020", 420),
        ("2026-02-28", "07:00", "0", 1440),
        ("2026-03-01", "07:00", "0", 1440),
        ("2026-03-02", "07:00", "0", 300),
    ]
    assert (stack.width, stack.without) == ("1440", 0)


def test_a_shifted_schedule_begins_a_row_at_its_own_zt(lit):
    give_light(lit.room, make_schedule("Shifted", on="13:00", off="01:00"), at("00:00"))
    window = Window(at("07:00") - DAY, at("23:59"))
    minutes = bytes([Minute.OK]) * window.minutes
    stack = stack_of(minutes, window, Axis(ZT), of(lit, window))
    # From midnight on it is 11 hours after the lights of the new schedule would have gone on.
    assert rows_of(stack) == [
        ("2026-03-01", "07:00", "0", 1020),
        ("2026-03-02", "00:00", "660", 780),
        ("2026-03-02", "13:00", "0", 659),
    ]


def test_minutes_without_zt_are_counted_and_left_out(cage, browser):
    give_light(cage.room, make_schedule(), at("07:00"))
    window = Window(at("06:00"), at("08:00"))
    stack = stack_of(bytes(120), window, Axis(ZT), of(cage, window))
    assert (stack.without, len(stack.rows)) == (60, 1)
    page = history(browser, cage, axis="zt", span="7d")
    # Six days and seven hours.
    assert "9,060 minutes have no ZT and are left out here" in text_of(page)


@pytest.mark.parametrize(("tau", "rows"), [("24", 3), ("23.7", 3), ("16", 5)])
def test_rows_of_a_period_hold_every_minute_once(tau, rows):
    window = Window(at("00:00") - 2 * DAY, at("00:00") + 2 * MINUTE * 600)
    minutes = bytes(number % 5 for number in range(window.minutes))
    stack = stack_of(minutes, window, Axis(TAU, Decimal(tau)))
    assert len(stack.rows) == rows
    assert sum(row["end"] - row["first"] for row in stack.rows) == window.minutes
    for number, row in enumerate(stack.rows):
        # Where the row stands on the axis is where the period says.
        begun = number * Decimal(tau) * 60 + Decimal(row["at"])
        assert window.start + timedelta(minutes=float(begun)) == row["begin"]
        assert 0 <= float(row["at"]) < 1


def test_a_double_row_repeats_the_next_one_a_period_later():
    window = Window(at("00:00") - 2 * DAY, at("00:00"))
    stack = stack_of(bytes(window.minutes), window, Axis(TAU, Decimal("23.7"), is_double=True))
    assert stack.width == "2844"
    assert [row.get("next_at") for row in stack.rows] == ["1422", "1422", None]
    assert stack.rows[0]["next"] == stack.rows[1]["id"]


def test_a_row_that_does_not_follow_at_once_is_not_repeated_beside_the_other(lit):
    start = at("07:00") - 4 * DAY
    give_light(lit.room, make_schedule("DD", on=None, regime=Regime.DARK), start + 2 * DAY)
    give_light(lit.room, make_schedule("Again"), start + 3 * DAY)
    window = Window(start, start + 4 * DAY)
    stack = stack_of(bytes(window.minutes), window, Axis(ZT, is_double=True), of(lit, window))
    assert [row.get("next_at") for row in stack.rows] == ["1440", None, None]


def test_the_day_on_which_the_clock_is_set_back_has_25_hours_of_zt():
    runs = runs_of(twelve_hours(), Window(AUTUMN, AUTUMN + 3 * DAY))
    window = Window(AUTUMN + DAY / 2, AUTUMN + 2 * DAY)
    stack = stack_of(bytes(window.minutes), window, Axis(ZT), runs)
    assert max(int(row["end"] - row["first"]) + int(row["at"]) for row in stack.rows) == 1500
    assert stack.width == "1500"


@pytest.mark.parametrize(
    ("query", "name", "tau"),
    [
        ({}, CLOCK, "24.00"),
        ({"axis": "zt"}, ZT, "24.00"),
        ({"axis": "tau", "tau": "23.7"}, TAU, "23.70"),
        ({"axis": "tau", "tau": "23,70"}, TAU, "23.70"),
        ({"axis": "nonsense"}, CLOCK, "24.00"),
    ],
)
def test_the_axis_is_read_from_the_url(query, name, tau):
    axis = Axis.from_query(query)
    assert (axis.name, str(axis.tau), axis.error) == (name, tau, "")


@pytest.mark.parametrize("text", ["", "15.99", "33", "NaN", "Infinity", "1e9", "x"])
def test_a_period_that_makes_no_sense_is_refused_in_words(browser, cage, text):
    page = history(browser, cage, axis="tau", tau=text)
    assert "Write a period from 16 to 32 hours, for example 23.70." in text_of(page)
    assert page.context["axis"].name == CLOCK


def test_links_of_the_axis_keep_the_days_and_the_double_row(browser, lit):
    page = history(browser, lit, span="30d", axis="tau", tau="23.70", double="1")
    links = {
        link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', str(page.content))
    }
    assert "?span=30d&axis=zt&double=1#strips" in links
    assert "?span=30d&axis=tau&tau=23.70#strips" in links


# Last night


def test_last_night_is_the_last_dark_phase_by_the_schedule(browser, cage):
    give_light(cage.room, make_schedule("Reverse", on="19:00", off="05:00"), LONG_AGO)
    page = history(browser, cage, span="night")
    assert "840 full minutes from 2026-03-01 05:00 to 2026-03-01 19:00" in text_of(page)
    assert "The last dark phase of this cage by its light schedule." in text_of(page)


def test_a_night_without_a_schedule_says_so(browser, cage):
    assert "Not by a light schedule. The night is from" in text_of(
        history(browser, cage, span="night")
    )
    assert not Span.from_query({"span": "night"}, NOW).is_dark_phase


# Marks


def test_marks_stand_over_strips_and_in_a_list_beside(browser, lit):
    make_mark(lit, at("06:30"), at("06:42"), note="wet bedding")
    make_mark(lit.room, at("01:00"), kind="room_works")
    page = browser.get(lit.get_absolute_url())
    shown = text_of(page)
    first = "Work in the room (R2), 2026-03-02 01:00, anna"
    second = "Handling, 2026-03-02 06:30–06:42, anna: wet bedding"
    assert f"{first} {second}" in shown
    assert f"<title>2. {second}</title>" in page.content.decode()
    # 390 of 1,440 minutes.
    assert 'x1="27.08%"' in page.content.decode()


def test_marks_stand_over_stacked_days_and_charts(browser, lit):
    make_mark(lit, at("06:30"), note="wet bedding")
    page = history(browser, lit, span="7d", double="1")
    markup = page.content.decode()
    # On its own day, and beside the day before.
    assert markup.count("<title>1. Handling") == 2
    assert page.context["shares_chart"]["marks"][0][2] == 1


def test_a_withdrawn_mark_is_not_shown(browser, lit):
    make_mark(lit, at("06:30"), note="wet bedding", withdrawn_at=NOW)
    assert "wet bedding" not in browser.get(lit.get_absolute_url()).content.decode()
