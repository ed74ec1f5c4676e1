"""The share of a health in each bin."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cages.history.window import Window
from cages.models import Health
from cages.rhythm.series import series_of

START = datetime(2026, 3, 1, tzinfo=UTC)


def series(minutes, **options):
    window = Window(START, START + timedelta(minutes=len(minutes)))
    return series_of(bytes(minutes), window, **options)


def test_a_value_is_the_share_among_the_known_minutes():
    # Perfect, Perfect, Bad, no answer, not watched
    found = series([3, 3, 1, 4, 0], bin_minutes=5)
    assert found.values == pytest.approx([2 / 3])
    assert list(found.coverages) == [0.6]


def test_several_healths_are_counted_together():
    found = series([3, 2, 1, 1], health=(Health.OK, Health.BAD), bin_minutes=4)
    assert list(found.values) == [0.75]


def test_a_bin_has_no_value_below_half_of_its_minutes():
    found = series([3] * 4 + [4] * 6 + [1] * 5 + [4] * 5)
    assert np.isnan(found.values[0])
    assert found.values[1] == 0


def test_a_minute_without_an_answer_is_no_zero():
    assert np.isnan(series([4, 0, 3, 1], bin_minutes=1).values).tolist() == [1, 1, 0, 0]


def test_the_coverage_counts_the_minutes_that_fill_no_bin():
    found = series([3] * 10 + [4] * 5)
    assert len(found.values) == 1
    assert found.coverage == pytest.approx(10 / 15)


def test_no_minutes_have_no_coverage():
    found = series([])
    assert found.coverage is None
    assert not found.is_enough


def test_hours_are_weighted_by_known_minutes():
    # 30 minutes Perfect, 15 known of the next 30, all of them Bad
    found = series([3] * 30 + [1] * 15 + [4] * 15, bin_minutes=30).hourly()
    assert list(found.values) == pytest.approx([30 / 45])


def test_an_hour_without_enough_known_minutes_has_no_value():
    assert np.isnan(series([3] * 20 + [4] * 40).hourly().values).all()


@pytest.mark.parametrize("bin_minutes", [0, 7, 61])
def test_a_bin_must_divide_an_hour(bin_minutes):
    with pytest.raises(ValueError, match="A bin has one of"):
        series([3], bin_minutes=bin_minutes)


def test_there_must_be_a_minute_for_each_slot():
    with pytest.raises(ValueError, match="2 minutes for a window of 1"):
        series_of(b"\x03\x03", Window(START, START + timedelta(minutes=1)))
