"""Circadian files say the same counts and gaps to their readers."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cages.exporting.circadian import FORMATS, Clock, Counts, RefusedError, counts_of
from cages.exporting.circadian.dam import monitor_files
from cages.history.window import Window
from cages.models import Health
from tests.cages.circadian.readers import read_actogramj, read_awd, read_dam, read_table

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Berlin, before the clock is set forward
CLOCK = Clock.standard(BERLIN, START)

values = st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=300).filter(any)
# Long gaps at the edges and inside, which a plain list of random numbers hardly ever has.
runs = st.lists(
    st.tuples(st.none() | st.integers(0, 100), st.integers(1, 90)), min_size=1, max_size=6
)
gappy = runs.map(lambda found: [value for value, count in found for _ in range(count)])
any_values = (values | gappy).filter(lambda found: any(value is not None for value in found))
steps = st.sampled_from([1, 5, 30])


def counts(found, bin_minutes=1, label="B-07"):
    return Counts(label, START, bin_minutes, tuple(found))


def expected(found):
    return [(CLOCK.shows(found.begin(at)), value) for at, value in enumerate(found.values)]


@given(any_values, steps)
def test_actogramj_reads_the_same(found, step):
    found = counts(found, step)
    file = FORMATS["actogramj"](found, CLOCK)[0]
    assert read_actogramj(file.text, step, CLOCK.shows(START)) == expected(found)


@given(any_values, steps)
def test_clocklab_reads_the_same(found, step):
    found = counts(found, step)
    (file,) = FORMATS["clocklab"](found, CLOCK)
    assert read_awd(file.text) == expected(found)


@pytest.mark.parametrize("monitor", ["dam2", "dam5"])
@given(any_values, steps)
def test_damr_reads_the_same(monitor, found, step):
    found = counts(found, step)
    files = FORMATS[monitor](found, CLOCK)
    assert [row for file in files for row in read_dam(file.text)] == expected(found)


@given(any_values, steps)
def test_a_table_reads_the_same(found, step):
    found = counts(found, step)
    (file,) = FORMATS["table"](found, CLOCK)
    assert read_table(file.text) == expected(found)


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
def test_a_window_without_a_known_bin_is_refused(write):
    with pytest.raises(RefusedError, match="No bin"):
        write(counts([None, None]), CLOCK)


def test_the_gaps_of_actogramj_stand_beside_it():
    _, gaps = FORMATS["actogramj"](counts([None, 5, None, None, 0, None]), CLOCK)
    rows = list(csv.DictReader(io.StringIO(gaps.text)))
    assert gaps.name.endswith(".txt.gaps.csv")
    assert [(row["begins"][11:16], row["ends"][11:16], row["bins"]) for row in rows] == [
        ("00:00", "00:01", "1"),
        ("00:02", "00:04", "2"),
        ("00:05", "00:06", "1"),
    ]


def test_nothing_stands_beside_a_file_without_gaps():
    assert len(FORMATS["actogramj"](counts([0, 5]), CLOCK)) == 1


def test_a_monitor_file_ends_at_a_gap_that_damr_refuses():
    shorter = FORMATS["dam2"](counts([1, *[None] * 58, 1]), CLOCK)
    longer = FORMATS["dam2"](counts([1, *[None] * 59, 1]), CLOCK)
    assert (len(shorter), len(longer)) == (1, 2)


def test_monitor_files_of_whole_hours_are_refused():
    with pytest.raises(RefusedError, match="less than an hour"):
        monitor_files(counts([1, 2], 60), CLOCK, "0")


def test_a_line_of_a_monitor_is_as_the_device_writes_it():
    (file,) = FORMATS["dam5"](counts([7]), CLOCK)
    assert file.text.rstrip("\n").split("\t") == [
        *("1", "29 Mar 26", "00:00:00", "1", "0", "0", "0", "CT", "0", "0", "7"),
        *["0"] * 31,
    ]


@pytest.mark.parametrize("start", [START, datetime(2026, 10, 24, 22, tzinfo=UTC)])
def test_no_time_comes_twice_or_is_missing_when_the_clock_is_set(start):
    found = Counts("B-07", start, 1, (1,) * 1560)
    (file,) = FORMATS["table"](found, Clock.standard(BERLIN, start))
    times = [moment for moment, _ in read_table(file.text)]
    assert {after - before for before, after in zip(times, times[1:], strict=False)} == {
        timedelta(minutes=1)
    }


def test_the_clock_is_standard_time_in_summer_too():
    clock = Clock.standard(BERLIN, datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert clock.name == "UTC+01:00"
    assert clock.shows(datetime(2026, 7, 1, 12, tzinfo=UTC)) == datetime(2026, 7, 1, 13)


@pytest.mark.parametrize("hour", [0, 5, 12, 17, 23])
def test_zeitgeber_time_is_midnight_at_lights_on(hour):
    lights_on = datetime(2026, 3, 1, hour, 30, tzinfo=UTC)
    shown = Clock.zeitgeber(lights_on).shows(lights_on + timedelta(days=3))
    assert (shown.hour, shown.minute) == (0, 0)


def test_the_name_of_a_file_tells_label_day_and_clock():
    found = counts([1], label="../B 07/ä")
    assert found.name(CLOCK, ".awd") == "B_07_ä_2026-03-29_UTC+0100.awd"


def test_a_number_counts_the_chosen_health_of_100_known_minutes():
    window = Window(START, START + timedelta(minutes=10))
    minutes = bytes([3, 3, 3, 1, 4, 2, 4, 4, 4, 0])
    found = counts_of("B-07", window, minutes, (Health.PERFECT,), bin_minutes=5)
    assert found.values == (75, None)


def test_a_minute_is_0_or_100_or_unknown():
    window = Window(START, START + timedelta(minutes=5))
    assert counts_of("B-07", window, bytes([0, 1, 2, 3, 4])).values == (None, 0, 0, 100, None)
