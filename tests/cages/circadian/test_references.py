"""Files that the real pyActigraphy and pandas have read (tests/cages/rhythm/references.py)."""

import json
from datetime import UTC, datetime
from pathlib import Path

from cages.exporting.circadian import FORMATS, Clock, Counts

HERE = Path(__file__).parent
CLOCK = Clock.standard(UTC, datetime(2026, 3, 1, tzinfo=UTC))


def read():
    return json.loads((HERE.parent / "rhythm" / "references.json").read_text())


def sample():
    """Two hours with gaps at both edges and inside."""
    values = [None, None, *range(0, 101, 2), None, 0, 0, None, *range(100, 0, -2), None]
    return Counts("B-07", datetime(2026, 3, 1, 22, 30, tzinfo=UTC), 1, tuple(values))


def written(name):
    return FORMATS[name](sample(), CLOCK)[0].text


def stored(name):
    with (HERE / name).open(newline="") as file:
        return file.read()


def test_the_files_are_still_those_that_were_read():
    assert (written("clocklab"), written("table")) == (stored("sample.awd"), stored("sample.csv"))


def test_pyactigraphy_reads_an_awd_file():
    found = read()["awd"]
    assert found["name"] == "B-07 (UTC+00:00)"
    assert (found["start"], found["minutes"]) == ("2026-03-01T22:30:00", 1)
    # It keeps ClockLab's -1 as a number: docs/circadian.md sends its users to the table.
    assert found["values"] == [-1 if value is None else value for value in sample().values]


def test_pyactigraphy_takes_the_table_with_its_gaps():
    found = read()["table"]
    assert found["start"] == "2026-03-01T22:30:00"
    assert found["values"] == list(sample().values)
