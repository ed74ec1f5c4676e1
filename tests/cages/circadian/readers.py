"""Readers of the circadian formats, written from their descriptions and not from our writers.

Each returns [(what the clock shows, the number or None)].
"""

import csv
import io
import math
from datetime import datetime, timedelta

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def read_actogramj(text, bin_minutes, start):
    """ActogramJ: skip a line and two columns, then a Java float from each line."""
    samples = [float(line.split("\t")[2]) for line in text.splitlines()[1:]]
    return [
        (start + timedelta(minutes=index * bin_minutes), None if math.isnan(sample) else sample)
        for index, sample in enumerate(samples)
    ]


def read_awd(text):
    """ClockLab: name, dd-mon-yyyy, HH:MM, four times the minutes, age, id, sex, then numbers."""
    _, date, time, interval, _, _, _, *numbers = text.splitlines()
    day, month, year = date.split("-")
    hour, minute = (int(part) for part in time.split(":"))
    start = datetime(int(year), MONTHS.index(month) + 1, int(day), hour, minute)
    step = timedelta(minutes=int(interval) / 4)
    return [
        (start + index * step, None if float(number) < 0 else float(number))
        for index, number in enumerate(numbers)
    ]


def read_dam(text, channel=1):
    """damr: 42 columns; only lines of status 1 and of type CT or 0; the date as "%d %b %y".

    It stops where two valid lines are an hour or more apart, or where there is none. Lines of
    another status are None here, so that a test can see them.
    """
    rows, valid = [], []
    for line in text.splitlines():
        columns = line.split("\t")
        assert len(columns) == 42
        assert columns[7] in ("0", "CT")
        day, month, year = columns[1].split(" ")
        hour, minute, second = (int(part) for part in columns[2].split(":"))
        moment = datetime(
            2000 + int(year), MONTHS.index(month.lower()) + 1, int(day), hour, minute, second
        )
        is_valid = columns[3] == "1"
        if is_valid:
            valid.append(moment)
        rows.append((moment, int(columns[9 + channel]) if is_valid else None))
    if not valid:
        raise ValueError("No data in selected date range")
    if any(
        after - before >= timedelta(hours=1)
        for before, after in zip(valid, valid[1:], strict=False)
    ):
        raise ValueError("Time has jumped for an hour or more!")
    return rows


def read_table(text):
    """pandas: a header, a time without a zone, and NaN where the second column is empty."""
    return [
        (datetime.fromisoformat(row["timestamp"]), float(row["value"]) if row["value"] else None)
        for row in csv.DictReader(io.StringIO(text))
    ]
