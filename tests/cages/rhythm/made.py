"""Series for the tests of rhythm, made from a plain rule."""

from datetime import UTC, datetime

import numpy as np

from cages.rhythm.series import Series

START = datetime(2026, 3, 1, tzinfo=UTC)


def made(values, *, bin_minutes=10, coverage=None):
    """A series with these values; bins that are NaN have no known minutes."""
    values = np.array(values, dtype=float)
    known = np.where(np.isnan(values), 0, bin_minutes)
    minutes = len(values) * bin_minutes
    known_minutes = int(known.sum()) if coverage is None else round(coverage * minutes)
    return Series(START, bin_minutes, values, known, known_minutes, minutes)


def hours(days, bin_minutes=10):
    return np.arange(days * 1440 // bin_minutes) * bin_minutes / 60


def sine(period, days=10, *, peak=0.0, bin_minutes=10):
    """Shares between 0.1 and 0.9 that are highest `peak` hours after the start."""
    at = hours(days, bin_minutes)
    return made(0.5 + 0.4 * np.cos(2 * np.pi * (at - peak) / period), bin_minutes=bin_minutes)


def square(active_from, active_to, days=5, *, bin_minutes=10):
    """1 between two hours of each day, over midnight too, else 0."""
    at = hours(days, bin_minutes) % 24
    is_active = (at - active_from) % 24 < (active_to - active_from) % 24
    return made(is_active.astype(float), bin_minutes=bin_minutes)
