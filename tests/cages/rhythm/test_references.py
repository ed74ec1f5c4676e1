"""Figures are those of pyActigraphy and SciPy, whose numbers references.py makes."""

import json
from pathlib import Path

import numpy as np
import pytest

from cages.rhythm.nonparametric import rhythm_of
from cages.rhythm.periodogram import chi_square_quantile, powers_at
from tests.cages.rhythm.made import made

REFERENCES = json.loads(Path(__file__).with_name("references.json").read_text())
SERIES = made(REFERENCES["values"], bin_minutes=REFERENCES["bin_minutes"])
WITHIN = 1e-6


def test_the_daily_figures_are_those_of_pyactigraphy():
    rhythm = rhythm_of(SERIES)
    found = {
        "IS": rhythm.stability,
        "IV": rhythm.variability,
        "L5": rhythm.least_active.mean,
        "M10": rhythm.most_active.mean,
        "RA": rhythm.amplitude,
    }
    assert found == pytest.approx(REFERENCES["daily"], rel=WITHIN, abs=WITHIN)


@pytest.mark.parametrize("name", ["powers", "powers_without_every_fifth"])
def test_the_lomb_scargle_power_is_that_of_scipy(name):
    counted = np.arange(len(SERIES.values)) % 5 != 2
    if name == "powers":
        counted[:] = True
    values = np.where(counted, SERIES.values, np.nan)
    frequencies = 1 / np.array(REFERENCES["periods"])
    found = powers_at(values, SERIES.bin_minutes / 60, frequencies)
    assert found == pytest.approx(REFERENCES[name], rel=WITHIN, abs=WITHIN)


@pytest.mark.parametrize(("share", "degrees", "value"), REFERENCES["chi_square_quantiles"])
def test_the_quantile_of_chi_square_is_off_by_less_than_it_says(share, degrees, value):
    assert chi_square_quantile(share, degrees) == pytest.approx(value, rel=0.005)
