"""The clock on the facility's wall, and the times that it shows twice or never."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cages.drawing import charts, strips, words
from cages.history.buckets import Bucket
from cages.history.moment import NotATime, moment_of
from cages.history.wall_clock import doubled_spans, name_if_twice
from cages.history.window import Window
from tests.factories import MINUTE

HOUR = timedelta(hours=1)


@pytest.fixture
def zone(settings):
    """zone(name): the facility's zone from now on."""

    def choose(name):
        settings.TIME_ZONE = name
        return ZoneInfo(name)

    return choose


# (zone, the UTC time at which it is set back, by how many minutes, the names before and after)
CHANGES = [
    ("Europe/Berlin", "2026-10-25T01:00", 60, "CEST", "CET"),
    ("America/New_York", "2026-11-01T06:00", 60, "EDT", "EST"),
    ("Australia/Lord_Howe", "2026-04-04T15:00", 30, "+11", "+1030"),
    ("America/Havana", "2026-11-01T05:00", 60, "CDT", "CST"),
    ("Europe/Moscow", "2014-10-25T22:00", 60, "+04:00", "+03:00"),
]


@pytest.mark.parametrize(("name", "change", "minutes", "before", "after"), CHANGES)
def test_times_that_come_twice_are_told_apart(zone, name, change, minutes, before, after):
    zone(name)
    change = datetime.fromisoformat(change).replace(tzinfo=UTC)
    back = minutes * MINUTE
    names = [name_if_twice(change + n * MINUTE) for n in (-minutes - 1, -minutes, -1, 0)]
    assert names == ["", before, before, after]
    names = [name_if_twice(change + n * MINUTE) for n in (minutes - 1, minutes, 24 * 60)]
    assert names == [after, "", ""]
    spans = doubled_spans(Window(change - 30 * HOUR, change + 30 * HOUR))
    assert spans == [(change - back, change, before), (change, change + back, after)]
    told = [words.time_of_day(change + shift) for shift in (-back, timedelta())]
    assert told[0].removesuffix(before) == told[1].removesuffix(after)


def test_where_the_clock_is_set_forward_no_time_needs_a_name(zone):
    zone("Europe/Berlin")
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert {name_if_twice(change + n * MINUTE) for n in range(-90, 90)} == {""}
    assert doubled_spans(Window(change - HOUR, change + HOUR)) == []


def test_a_day_of_ten_years_ago_has_its_own_changes(zone):
    zone("Europe/Berlin")
    spans = doubled_spans(
        Window(datetime(2016, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    )
    assert [start.year for start, _end, _name in spans[::2]] == list(range(2016, 2026))


@pytest.mark.parametrize(
    ("name", "text", "readings"),
    [
        ("Europe/Berlin", "2026-10-25T02:30", ["02:30:00+02:00", "02:30:00+01:00"]),
        ("Europe/Berlin", "2026-03-29T02:30", ["01:30:00+01:00", "03:30:00+02:00"]),
        ("Australia/Lord_Howe", "2026-04-05T01:45", ["01:45:00+11:00", "01:45:00+10:30"]),
        ("Australia/Lord_Howe", "2026-10-04T02:15", ["01:45:00+10:30", "02:45:00+11:00"]),
    ],
)
def test_a_time_that_comes_twice_or_never_is_refused_with_both_readings(zone, name, text, readings):
    zone(name)
    with pytest.raises(NotATime) as refused:
        moment_of(text)
    day, message = text[:10], str(refused.value)
    first, second = (f"{day}T{reading}" for reading in readings)
    assert message.endswith(f"Write {first} or {second}.")
    assert moment_of(first) < moment_of(second)


@pytest.mark.parametrize(
    ("name", "day", "start"),
    [
        ("America/Havana", "2026-11-01", "2026-11-01T04:00"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00"),
    ],
)
def test_a_date_is_the_beginning_of_its_day_also_where_midnight_comes_twice_or_never(
    zone, name, day, start
):
    zone(name)
    assert moment_of(day) == datetime.fromisoformat(start).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours", "odd"),
    [("2026-04-05", "24.5", [("01:30 +1030", 30)]), ("2026-10-04", "23.5", [("02:30", 30)])],
)
def test_the_day_of_lord_howes_half_hour_is_whole(zone, day, hours, odd):
    howe = zone("Australia/Lord_Howe")
    window = Window.whole_day(datetime.fromisoformat(day).date(), howe)
    rows = strips.hours_of(bytes([2]) * window.minutes, window.start)
    told = [(words.time_of_day(row.start), row.ok) for row in rows]
    assert sum(minutes for _time, minutes in told) == window.minutes
    assert [pair for pair in told if not pair[0].startswith("01:00") and pair[1] != 60] == odd
    assert {time[3:5] for time, _minutes in told} == {"00", "30"}
    assert f"{window.minutes / 60:g}" == hours


def test_the_charts_know_which_times_come_twice(zone):
    zone("Europe/Berlin")
    change = datetime(2026, 10, 25, 1, tzinfo=UTC)
    hours = [Bucket(Window(change + n * HOUR, change + (n + 1) * HOUR)) for n in range(-2, 2)]
    at = int(change.timestamp())
    assert charts.shares(hours, by_hour=True)["doubled"] == [
        [at - 3600, at, "CEST"],
        [at, at + 3600, "CET"],
    ]
    assert [start for start, _light, _cells in charts.table(hours, by_hour=True)] == [
        "2026-10-25 01:00",
        "2026-10-25 02:00 CEST",
        "2026-10-25 02:00 CET",
        "2026-10-25 03:00",
    ]
    assert charts.shares([], by_hour=True)["doubled"] == []
