"""IS, IV, L5, M10, RA, onset, offset and cosinor."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cages.history.light import LightDay
from cages.history.window import DAY, Window
from cages.rhythm.days import NO_TIME, times_after, times_by_zt
from cages.rhythm.nonparametric import rhythm_of
from tests.cages.rhythm.made import START, hours, made, sine, square

FIGURES = [
    "stability",
    "variability",
    "least_active",
    "most_active",
    "onset",
    "offset",
    "cosinor",
    "amplitude",
]


def test_days_that_are_all_the_same_have_the_highest_stability():
    # Sample variances: 23 free hours of a day, 119 of five days.
    assert rhythm_of(square(18, 6)).stability == pytest.approx(119 / 120 * 24 / 23)


def test_an_hour_of_each_in_turn_varies_most():
    turns = made((hours(5) // 1 % 2).astype(float))
    assert rhythm_of(turns).variability == pytest.approx(4 * 119 / 120)


def test_the_least_and_most_active_hours_may_go_over_midnight():
    rhythm = rhythm_of(square(20, 6))
    assert (rhythm.most_active.mean, rhythm.most_active.begins) == (1, 20)
    assert (rhythm.least_active.mean, rhythm.least_active.begins) == (0, 6)
    assert rhythm.amplitude == 1


def test_the_amplitude_is_unknown_where_nothing_was_ever_active():
    rhythm = rhythm_of(made(np.zeros(720)))
    assert rhythm.most_active.mean == 0
    assert rhythm.amplitude is None


def test_onset_and_offset_are_the_edges_of_the_active_hours():
    rhythm = rhythm_of(square(18.5, 6))
    assert (rhythm.onset.at, rhythm.offset.at) == (18.5, 6)
    assert rhythm.onset.match == 1


def test_times_are_counted_from_zero():
    series = square(20, 6)
    rhythm = rhythm_of(series, times_after(series, START + timedelta(hours=22)))
    assert rhythm.onset.at == 22
    assert rhythm.most_active.begins == 22
    assert rhythm.cosinor.acrophase == pytest.approx(3)


def test_each_bin_is_folded_by_its_own_day():
    # Active for 12 hours from lights on, which come 23, 24 and 25 hours after each other.
    lengths = [23, 24, 25, 24]
    series = made(np.concatenate([np.arange(hours * 6) < 72 for hours in lengths]))
    begins = [START + timedelta(hours=sum(lengths[:number])) for number in range(5)]
    days = [LightDay(on, Window(on, after)) for on, after in pairwise(begins)]
    times = times_by_zt(series, days)
    # The 25th hour has no place in a day of 24.
    assert (times == NO_TIME).sum() == 6
    rhythm = rhythm_of(series, times)
    assert (rhythm.onset.at, rhythm.onset.match) == (0, 1)
    assert (rhythm.offset.at, rhythm.offset.match) == (12, 1)
    assert rhythm.stability > 1


def test_a_bin_that_lights_on_divides_is_in_the_day_with_most_of_it():
    series = square(18, 6, days=3)
    on = START + timedelta(minutes=14)
    (first,) = np.flatnonzero(times_by_zt(series, [LightDay(on, Window(on, on + DAY))]) == 1436)
    # The bin from 10 to 20 minutes begins 4 minutes before lights on.
    assert first == 1


def test_the_acrophase_is_the_middle_of_the_highest_bin():
    cosinor = rhythm_of(sine(24, peak=3)).cosinor
    # The value of a bin stands for its middle, five minutes after it begins.
    assert cosinor.acrophase == pytest.approx(3 + 5 / 60)
    assert cosinor.amplitude == pytest.approx(0.4)
    assert cosinor.explained == pytest.approx(1)


@pytest.mark.parametrize(
    "series",
    [made(np.full(720, np.nan)), sine(24, days=2), made([0.5] * 720, coverage=0.49), made([])],
    ids=["all unknown", "too short", "too little known", "nothing"],
)
def test_what_rests_on_too_little_is_withheld(series):
    rhythm = rhythm_of(series)
    assert {getattr(rhythm, figure) for figure in FIGURES} == {None}


def test_the_coverage_is_told_where_figures_are_withheld():
    assert rhythm_of(made([0.5] * 720, coverage=0.25)).coverage == 0.25


def test_a_constant_series_has_no_rhythm():
    rhythm = rhythm_of(made([0.7] * 720))
    told = (rhythm.stability, rhythm.variability, rhythm.onset, rhythm.offset, rhythm.cosinor)
    assert told == (None,) * 5
    assert rhythm.amplitude == pytest.approx(0)


def test_a_gap_is_no_rest():
    gaps = made(np.where(np.arange(864) % 144 < 36, np.nan, 1.0))
    # The first 6 hours of all days are unknown, so no stretch may touch them.
    assert rhythm_of(gaps).least_active.mean == 1


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_random_gaps_move_the_acrophase_little(seed):
    series = sine(24, peak=9)
    gone = np.random.default_rng(seed).random(len(series.values)) < 0.4
    series.values[gone] = np.nan
    assert rhythm_of(series).cosinor.acrophase == pytest.approx(9 + 5 / 60, abs=1e-6)
