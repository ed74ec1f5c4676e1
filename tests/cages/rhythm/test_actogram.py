"""The rows of an actogram."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cages.history.light import LightDay
from cages.history.window import HOUR, Window
from cages.rhythm.actogram import LEAST_TAU, MOST_ROWS, MOST_TAU, actogram_by_zt, actogram_of
from tests.cages.rhythm.made import START, made, square


def numbered(days):
    """A series whose values are the numbers of its hours."""
    return made(np.arange(days * 24.0), bin_minutes=60)


def test_a_row_is_a_day_from_the_start():
    found = actogram_of(numbered(2))
    assert found.starts == [START, START + timedelta(days=1)]
    assert found.rows.tolist() == [list(range(24)), list(range(24, 48))]


def test_what_lies_before_and_after_the_series_is_unknown():
    found = actogram_of(numbered(1), START + timedelta(hours=6))
    assert found.starts[0] == START - timedelta(hours=18)
    assert np.isnan(found.rows[0, :18]).all()
    assert found.rows[0, 18:].tolist() == list(range(6))
    assert np.isnan(found.rows[1, 18:]).all()


def test_a_double_plotted_row_ends_with_the_next_one():
    found = actogram_of(numbered(3), double=True)
    assert found.rows.shape == (3, 48)
    assert found.rows[0, 24:].tolist() == found.rows[1, :24].tolist()
    assert np.isnan(found.rows[2, 24:]).all()


def test_zero_may_lie_far_away():
    near = actogram_of(numbered(3), START + timedelta(hours=7))
    far = actogram_of(numbered(3), START + timedelta(hours=7, days=-365))
    assert near.starts == far.starts
    assert np.array_equal(near.rows, far.rows, equal_nan=True)


def test_a_free_running_rhythm_stands_upright_at_its_period():
    at = np.arange(20 * 144) / 6
    series = made((at % 23.7 < 10).astype(float))
    upright = [middle_of(row) for row in actogram_of(series, tau=23.7).rows[:-1]]
    assert max(upright) - min(upright) <= 1
    drifting = [middle_of(row) for row in actogram_of(series).rows[:5]]
    assert drifting[0] - drifting[4] > 3


def middle_of(row):
    """The middle of the activity in the first 100 of a row's 144 bins."""
    return np.flatnonzero(row[:100]).mean()


def zt_days(*lengths, apart=0):
    """Days of so many hours each, `apart` hours between them."""
    days, on = [], START
    for length in lengths:
        days.append(LightDay(on, Window(on, on + length * HOUR)))
        on += (length + apart) * HOUR
    return days


def test_a_row_of_zt_begins_at_lights_on_of_its_own_day():
    found = actogram_by_zt(numbered(3), zt_days(23, 25, 24))
    assert found.starts == [START, START + 23 * HOUR, START + 48 * HOUR]
    assert found.rows[:, 0].tolist() == [0, 23, 48]
    assert (~np.isnan(found.rows)).sum(axis=1).tolist() == [23, 25, 24]


def test_the_next_row_of_zt_is_beside_a_day_of_23_hours_from_24_hours_on():
    found = actogram_by_zt(numbered(2), zt_days(23, 24), double=True)
    assert found.rows.shape == (2, 48)
    assert np.flatnonzero(np.isnan(found.rows[0])).tolist() == [23]
    assert [part.first for part in found.parts[0]] == [0, 24]


def test_a_row_of_zt_that_does_not_follow_at_once_is_not_beside_the_other():
    found = actogram_by_zt(numbered(4), zt_days(24, 24, apart=24), double=True)
    assert found.rows.shape == (2, 48)
    assert np.isnan(found.rows[:, 24:]).all()


@given(st.floats(LEAST_TAU, MOST_TAU), st.integers(-3000, 3000))
def test_every_bin_is_in_a_row(tau, minutes):
    found = actogram_of(numbered(5), START + timedelta(minutes=minutes), tau=tau)
    assert set(range(120)) <= set(found.rows[~np.isnan(found.rows)].astype(int))


def test_only_the_last_rows_of_a_long_series_are_kept():
    found = actogram_of(numbered(MOST_ROWS + 1))
    assert found.is_cut
    assert len(found.rows) == MOST_ROWS
    assert found.rows[-1, -1] == (MOST_ROWS + 1) * 24 - 1


def test_a_gap_stays_a_gap():
    series = square(18, 6)
    series.values[3] = np.nan
    assert np.argwhere(np.isnan(actogram_of(series).rows)).tolist() == [[0, 3]]


def test_no_minutes_have_no_rows():
    assert actogram_of(made([])).rows.shape == (0, 144)


def test_a_row_has_a_sensible_length():
    with pytest.raises(ValueError, match="tau is"):
        actogram_of(numbered(2), tau=12)
