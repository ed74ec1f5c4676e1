"""Makes references.json with pyActigraphy and SciPy, the programs that our figures must agree with.

They do not install beside our own packages. To run it again:

    python3.11 -m venv /tmp/references
    /tmp/references/bin/pip install "pyActigraphy==1.1" "pandas<2.2" "numpy<2" "scipy==1.17.1"
    /tmp/references/bin/python tests/cages/rhythm/references.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pyActigraphy
from pyActigraphy.io import BaseRaw
from scipy.signal import lombscargle
from scipy.stats import chi2

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "circadian"
BIN_MINUTES = 10
DAYS = 7


def values():
    """A week of shares with a day, a shorter rhythm and noise, to three digits."""
    at = np.arange(DAYS * 1440 // BIN_MINUTES) * BIN_MINUTES / 60
    noise = np.random.Generator(np.random.PCG64(19)).random(len(at))
    wave = 0.25 * np.cos(2 * np.pi * (at - 1.3) / 24) + 0.1 * np.cos(2 * np.pi * at / 7.7)
    return np.round(0.5 + wave + 0.15 * (noise - 0.5), 3)


def raw(series):
    """The series as pyActigraphy takes data of other programs."""
    step = pd.Timedelta(minutes=BIN_MINUTES)
    span = series.index[-1] - series.index[0]
    return BaseRaw("B-07", "0", "Pandas", None, series.index[0], span, step, series, None)


def daily(raw_series):
    return {
        "IS": raw_series.IS(freq="1h", binarize=False),
        "IV": raw_series.IV(freq="1h", binarize=False),
        "L5": raw_series.L5(binarize=False),
        "M10": raw_series.M10(binarize=False),
        "RA": raw_series.RA(binarize=False),
    }


def powers(hours, shares, periods):
    return lombscargle(
        hours, shares, 2 * np.pi / np.array(periods), normalize=True, floating_mean=True
    ).tolist()


def what_the_reader_read():
    """pyActigraphy's reading of the AWD file that our writer made."""
    read = pyActigraphy.io.read_raw_awd(str(SAMPLES / "sample.awd"))
    return {
        "name": read.name,
        "start": read.start_time.isoformat(),
        "minutes": read.frequency / pd.Timedelta(minutes=1),
        "values": [int(value) for value in read.data],
    }


def what_pandas_read():
    """pandas' reading of the table that our writer made; null where it has NaN."""
    table = pd.read_csv(SAMPLES / "sample.csv", index_col="timestamp", parse_dates=True)
    whole = raw(table["value"].asfreq("1min"))
    shares = [None if pd.isna(value) else float(value) for value in whole.data]
    return {"start": whole.data.index[0].isoformat(), "values": shares}


def main():
    shares = values()
    index = pd.date_range("2026-03-01", periods=len(shares), freq=f"{BIN_MINUTES}min")
    hours = np.arange(len(shares)) * BIN_MINUTES / 60
    periods = [16.0, 20.0, 23.95, 24.0, 25.5, 32.0]
    has_value = np.arange(len(shares)) % 5 != 2
    found = {
        "made_with": {name: version(name) for name in ("pyActigraphy", "scipy", "pandas", "numpy")},
        "bin_minutes": BIN_MINUTES,
        "values": shares.tolist(),
        "daily": daily(raw(pd.Series(shares, index=index))),
        "periods": periods,
        "powers": powers(hours, shares, periods),
        "powers_without_every_fifth": powers(hours[has_value], shares[has_value], periods),
        "chi_square_quantiles": [
            [share, degrees, float(chi2.ppf(share, degrees))]
            for share in (0.95, 0.9995)
            for degrees in (15, 95, 191)
        ],
        "awd": what_the_reader_read(),
        "table": what_pandas_read(),
    }
    (HERE / "references.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
