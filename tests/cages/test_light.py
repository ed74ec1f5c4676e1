"""When it was light for a cage: schedules of rooms and cages, ZT, moves, and days on which the
clock is set."""

from datetime import UTC, date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from cages.history.light import (
    LightPhase,
    LightRun,
    by_phase,
    dark_phases,
    light_of,
    light_of_room,
    phases_of,
    run_at,
    runs_of,
    spans_of,
)
from cages.history.minutes import Minute
from cages.history.window import DAY, Window
from cages.models import Cage, LightPeriod, LightSchedule
from cages.models.light import Regime
from tests.factories import at, give_light, make_cage, make_schedule, make_user

pytestmark = pytest.mark.django_db
LONG_AGO = at("00:00") - timedelta(days=400)
# The clock goes from 02:00 to 03:00, and from 03:00 back to 02:00.
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@pytest.fixture
def cage():
    return make_cage(room="R2", created_at=LONG_AGO)


def told(runs):
    """[(phase, first clock in UTC, minutes)]"""
    return [(run.phase.word, f"{run.window.start:%H:%M}", run.window.minutes) for run in runs]


def of(cage, window):
    return light_of([cage.pk], window)[cage.pk]


def test_without_a_schedule_the_phase_is_not_known(cage):
    window = Window(at("06:00"), at("08:00"))
    (run,) = of(cage, window)
    assert run == LightRun(window, LightPhase.UNKNOWN)
    assert run.zt_minutes(at("07:00")) is None
    assert run.phase.word == ""


def test_a_cage_follows_the_schedule_of_its_room(cage):
    period = give_light(cage.room, make_schedule(), LONG_AGO)
    runs = of(cage, Window(at("06:00"), at("20:00")))
    assert told(runs) == [("dark", "05:00", 60), ("light", "06:00", 720), ("dark", "18:00", 60)]
    assert [run.zt_minutes(run.window.start) for run in runs] == [23 * 60, 0, 12 * 60]
    assert {run.version for run in runs} == {period.pk}
    assert light_of_room(cage.room.pk, Window(at("06:00"), at("20:00"))) == runs


def test_the_dark_may_be_by_day(cage):
    give_light(cage.room, make_schedule(on="19:00", off="07:00"), LONG_AGO)
    runs = of(cage, Window(at("06:59"), at("19:01")))
    assert told(runs) == [("light", "05:59", 1), ("dark", "06:00", 720), ("light", "18:00", 1)]
    assert runs[0].zt_minutes(at("06:59")) == 12 * 60 - 1


def test_a_schedule_of_its_own_comes_before_that_of_the_room(cage):
    give_light(cage.room, make_schedule(), LONG_AGO)
    reverse = make_schedule("Reverse", on="19:00", off="07:00")
    give_light(cage, reverse, at("10:00"))
    give_light(cage, None, at("14:00"))
    runs = of(cage, Window(at("09:00"), at("15:00")))
    assert told(runs) == [("light", "08:00", 60), ("dark", "09:00", 240), ("light", "13:00", 60)]


def test_a_later_schedule_leaves_earlier_days_as_they_were(cage):
    give_light(cage.room, make_schedule(), LONG_AGO)
    before = of(cage, Window(at("00:00") - DAY, at("00:00")))
    give_light(cage.room, make_schedule("Shifted by 6 h", on="13:00", off="01:00"), at("00:00"))
    assert of(cage, Window(at("00:00") - DAY, at("00:00"))) == before
    after = of(cage, Window(at("00:00"), at("23:59")))
    assert told(after) == [("light", "23:00", 60), ("dark", "00:00", 720), ("light", "12:00", 659)]
    # The new schedule counts as if it had run before.
    assert after[0].zt_minutes(at("00:30")) == 11 * 60 + 30


def test_constant_light_and_dark_have_no_zt(cage):
    give_light(cage.room, make_schedule("DD", on=None, regime=Regime.DARK), LONG_AGO)
    give_light(cage.room, make_schedule("LL", on=None, regime=Regime.LIGHT), at("12:00"))
    runs = of(cage, Window(at("00:00"), at("23:00")))
    assert told(runs) == [("dark", "23:00", 720), ("light", "11:00", 660)]
    assert {run.zt_from for run in runs} == {None}


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_a_timer_on_facility_time_follows_the_clock(cage, day, hours):
    give_light(cage.room, make_schedule(), LONG_AGO)
    runs = of(cage, Window.whole_day(day))
    assert sum(run.window.minutes for run in runs) == hours * 60
    assert [run.phase.word for run in runs] == ["dark", "light", "dark"]
    assert runs[1].window == Window(at("07:00", day), at("19:00", day))
    # The lights went on 23 or 25 hours before.
    assert runs[0].zt_minutes(at("06:59", day)) == hours * 60 - 1


@pytest.mark.parametrize(
    ("day", "on", "off", "light"),
    [
        # The clock passes from 02:00 to 03:00 at 01:00 UTC.
        (SPRING, "02:30", "14:30", [("01:00", 690)]),
        (SPRING, "02:30", "03:10", [("01:00", 10)]),
        (SPRING, "02:30", "03:00", []),
        (SPRING, "02:10", "02:50", []),
        # Dark for half an hour, which this day does not have.
        (SPRING, "03:00", "02:30", [("22:00", 180), ("01:00", 1260)]),
        # 02:30 comes twice, and the timer switches at the first.
        (AUTUMN, "02:10", "02:40", [("00:10", 30)]),
        (AUTUMN, "02:30", "03:00", [("00:30", 90)]),
        (AUTUMN, "03:00", "02:30", [("21:00", 210), ("02:00", 1260)]),
    ],
)
def test_a_switch_within_the_hour_of_the_change(cage, day, on, off, light):
    give_light(cage.room, make_schedule(on=on, off=off), LONG_AGO)
    runs = of(cage, Window(at("23:00", day - DAY), at("00:00", day + DAY)))
    assert [run[1:] for run in told(runs) if run[0] == "light"] == light
    # ZT counts from the switch of this day, also where no light came of it.
    assert run_at(runs, at("13:00", day)).zt_from.astimezone(UTC).date() == day


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_a_timer_that_ignores_summer_time_keeps_its_24_hours(cage, day):
    give_light(cage.room, make_schedule(utc_offset_minutes=60), LONG_AGO)
    runs = of(cage, Window(at("12:00", day) - 2 * DAY, at("12:00", day) + 2 * DAY))
    assert {run.window.minutes for run in runs[1:-1]} == {720}
    assert {f"{run.window.start:%H:%M}" for run in runs[1:]} == {"06:00", "18:00"}


def test_moving_to_another_room_changes_the_light_from_then_on(cage):
    give_light(cage.room, make_schedule(), LONG_AGO)
    Cage.objects.filter(pk=cage.pk).move("R3", "", at("12:00:30"))
    cage.refresh_from_db()
    give_light(cage.room, make_schedule("Reverse", on="19:00", off="07:00"), LONG_AGO)
    runs = of(cage, Window(at("11:00"), at("13:00")))
    assert told(runs) == [("light", "10:00", 61), ("dark", "11:01", 59)]


def test_many_cages_take_two_queries(cage, django_assert_num_queries):
    other = make_cage(room="R2", owner=cage.owner)
    give_light(cage.room, make_schedule(), LONG_AGO)
    with django_assert_num_queries(2):
        found = light_of([cage.pk, other.pk], Window(at("00:00"), at("12:00")))
    assert found[cage.pk] == found[other.pk] != []


def test_no_minutes_give_no_runs(cage):
    assert of(cage, Window(at("12:00"), at("12:00"))) == []


CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0, fold=0))


@given(
    on=CLOCKS,
    off=CLOCKS,
    offset=st.sampled_from([None, 0, 60, -570]),
    first=st.integers(0, 500_000),
    length=st.integers(1, 6000),
)
def test_runs_fill_every_window_and_phases_sum_to_it(on, off, offset, first, length):
    if on == off:
        off = on.replace(minute=(on.minute + 1) % 60)
    schedule = LightSchedule(lights_on=on, lights_off=off, utc_offset_minutes=offset)
    start = LONG_AGO + timedelta(minutes=first)
    window = Window(start, start + timedelta(minutes=length))
    runs = runs_of(LightPeriod(pk=1, schedule=schedule), window)
    edges = [run.window.start for run in runs] + [window.end]
    assert edges[0] == window.start
    assert [run.window.end for run in runs] == edges[1:]
    assert len(phases_of(runs)) == length
    minutes = bytes(number % 5 for number in range(length))
    sums = by_phase(minutes, runs)
    assert sum(health.minutes for health in sums.values()) == length
    for code in (Minute.BAD, Minute.OK, Minute.PERFECT):
        known = sum(health.by_status[code] for health in sums.values())
        assert known == minutes.count(code)
    for run in runs:
        zt = run.zt_minutes(run.window.start)
        assert zt is not None
        assert 0 <= zt < 25 * 60 + 1


def test_health_is_told_by_phase(cage):
    give_light(cage.room, make_schedule(), LONG_AGO)
    window = Window(at("06:58"), at("07:02"))
    found = by_phase(bytes([Minute.BAD, 0, Minute.OK, Minute.OK]), of(cage, window))
    assert found[LightPhase.DARK].known == 1
    assert found[LightPhase.LIGHT].known == 2


def test_the_last_dark_phases_are_whole_ones(cage):
    give_light(cage.room, make_schedule(), LONG_AGO)
    runs = of(cage, Window(at("12:00") - 4 * DAY, at("05:00")))
    # The one under way is not over, and nothing is cut by the beginning.
    assert [(span.start, span.minutes) for span in dark_phases(runs, 7)] == [
        (at("19:00") - 2 * DAY, 720),
        (at("19:00") - 3 * DAY, 720),
        (at("19:00") - 4 * DAY, 720),
    ]
    assert len(dark_phases(runs, 2)) == 2
    assert spans_of(runs, LightPhase.DARK)[-1].end == at("05:00")


def test_constant_dark_is_no_dark_phase(cage):
    give_light(cage.room, make_schedule("DD", on=None, regime=Regime.DARK), at("00:00") - 3 * DAY)
    give_light(cage.room, make_schedule(), at("08:00"))
    assert dark_phases(of(cage, Window(at("00:00") - 4 * DAY, at("12:00"))), 7) == []


def test_the_run_of_a_slot_is_found(cage):
    give_light(cage.room, make_schedule(), LONG_AGO)
    runs = of(cage, Window(at("06:00"), at("08:00")))
    assert run_at(runs, at("06:59")) == runs[0]
    assert run_at(runs, at("07:00")) == runs[1]
    assert run_at(runs, at("08:00")) is None
    assert run_at(runs, at("05:59")) is None


def test_a_schedule_tells_its_times_and_its_clock():
    assert make_schedule("A").times == "07:00–19:00"
    assert make_schedule("B", on="22:30", off="08:30").light_hours == 10
    assert make_schedule("C", on=None, regime=Regime.DARK).times == "constant dark"
    assert make_schedule("D").clock_name == "Europe/Berlin"
    assert make_schedule("E", utc_offset_minutes=60).clock_name == "UTC+01:00 all year"


@pytest.mark.parametrize(
    "fields",
    [{"off": "07:00"}, {"on": None}, {"off": None, "on": None}, {"utc_offset_minutes": 900}],
)
def test_a_schedule_that_makes_no_sense_is_refused(fields):
    with pytest.raises((ValidationError, IntegrityError)):
        make_schedule("A", **fields)


def test_a_place_has_one_schedule_from_a_moment_on(cage):
    schedule = make_schedule()
    give_light(cage.room, schedule, at("07:00"))
    with pytest.raises(IntegrityError):
        give_light(cage.room, schedule, at("07:00"))


def test_a_cage_stays_where_it_stood(cage):
    others = Cage.objects.bulk_create(
        [Cage(label="Imported", owner=make_user(), room=cage.room, created_at=at("06:00"))]
    )
    Cage.objects.filter(pk=cage.pk).move("R3", "A", at("12:00"))
    stays = cage.stays.order_by("since").values_list("room__name", "rack__name", "since")
    assert list(stays) == [("R2", None, LONG_AGO), ("R3", "A", at("12:00"))]
    assert others[0].stays.count() == 1
