"""Lomb-Scargle and chi-square periodograms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cages.rhythm.periodogram import (
    PERIOD_STEP,
    SIGNIFICANCE,
    chi_square,
    folded_power,
    lomb_scargle,
)
from tests.cages.rhythm.made import made, sine

BOTH = pytest.mark.parametrize("periodogram", [lomb_scargle, chi_square])


@given(st.integers(0, 2**32 - 1), st.floats(18, 30))
@settings(max_examples=15)
def test_lomb_scargle_finds_a_period_through_gaps(seed, period):
    series = sine(period)
    series.values[np.random.default_rng(seed).random(len(series.values)) < 0.4] = np.nan
    found = lomb_scargle(series)
    assert found.peak == pytest.approx(period, abs=PERIOD_STEP)
    assert found.is_significant


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_chi_square_finds_a_period_through_gaps(seed):
    series = sine(23.5)
    series.values[np.random.default_rng(seed).random(len(series.values)) < 0.4] = np.nan
    found = chi_square(series)
    assert found.peak == pytest.approx(23.5, abs=found.step)
    assert found.is_significant


@BOTH
def test_noise_is_rarely_significant(periodogram):
    random = np.random.Generator(np.random.PCG64(7))
    runs = [periodogram(made(random.random(720))).is_significant for _ in range(40)]
    # Of 40 runs at 5 %, more than 7 happen once in a thousand tries; the numbers are fixed.
    assert sum(runs) <= 7


@BOTH
@pytest.mark.parametrize(
    "values",
    [[0.3] * 720, [np.nan] * 720, [], [np.nan] * 719 + [1.0]],
    ids=["constant", "all unknown", "nothing", "one value"],
)
def test_a_series_without_a_rhythm_has_no_periodogram(periodogram, values):
    assert periodogram(made(values)) is None


@BOTH
def test_the_periodogram_is_withheld_below_the_least_coverage(periodogram):
    series = sine(24)
    assert periodogram(made(series.values, coverage=0.49)) is None
    assert periodogram(made(series.values, coverage=0.5)) is not None


@BOTH
def test_the_mean_of_the_series_makes_no_difference(periodogram):
    values = sine(25).values
    assert periodogram(made(values + 5)).powers == pytest.approx(periodogram(made(values)).powers)


def test_qp_of_rows_that_are_all_the_same_is_their_number_of_values():
    # Each mean is the value itself, so their variance is that of all values, times 3 rows of 4.
    assert folded_power(np.array([0, 1, 0, 5.0] * 3), 4) == (pytest.approx(12), 4)


def test_a_gap_is_in_no_mean():
    whole = np.array([0, 1, 0, 5.0] * 3)
    whole[5] = np.nan
    assert folded_power(whole, 4)[0] == pytest.approx(11)


def test_the_chance_of_a_false_alarm_is_small_for_a_sine_and_great_for_noise():
    random = np.random.Generator(np.random.PCG64(3))
    assert lomb_scargle(sine(24)).false_alarm < 1e-9
    assert lomb_scargle(made(random.random(720))).false_alarm > SIGNIFICANCE
