"""CSV files in pieces. Each is made of one batch of rows, when the one before has been sent."""

import csv
import io
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from cages.exporting.columns import Column
from cages.exporting.rows import Batches

Pieces = Generator[bytes, None, None]

# Clocks are only ever set at full quarters of an hour.
QUARTER = 900
# What a sheet of a workbook can hold, with the row of names.
SHEET_ROWS = 1_048_576
# Where the number of seconds stands in a row, after id and label (cages.exporting.rows).
TIME = 2
# Without a zone: only for its arithmetic.
EPOCH = datetime(1970, 1, 1)


@lru_cache
def offset_of(zone: tzinfo, quarter: int) -> tuple[int, str]:
    """(seconds to add to UTC, "+01:00") in one of the zone's quarters of an hour since 1970."""
    moment = datetime.fromtimestamp(quarter * QUARTER, tz=UTC).astimezone(zone)
    shift = (moment.utcoffset() or timedelta()) // timedelta(seconds=1)
    text = f"{moment:%z}"
    return shift, f"{text[:3]}:{text[3:5]}"


def as_csv(columns: Sequence[Column], batches: Batches, zone: tzinfo) -> Pieces:
    """Yield the pieces of a CSV file (RFC 4180, UTF-8), the names of the columns first.

    It is for programs, so every text is exactly as it was entered, such as the genotype "+/+".
    """
    yield csv_of([[column.name for column in columns]]).encode()
    for batch in batches:
        if batch:
            yield csv_of(in_words(row, zone) for row in batch).encode()


def csv_of(rows: Iterable[Iterable[Any]]) -> str:
    """Return the rows as CSV text."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def in_words(row: tuple[Any, ...], zone: tzinfo) -> tuple[Any, ...]:
    """Return the row with its time in the three columns of time, as CSV has them."""
    cage_id, label, seconds, *rest = row
    shift, offset = offset_of(zone, seconds // QUARTER)
    moment = EPOCH + timedelta(seconds=seconds)
    local = EPOCH + timedelta(seconds=seconds + shift)
    return (cage_id, label, f"{moment.isoformat()}Z", local.isoformat(), offset, *rest)


class Pipe:
    """A file that can only be written. It keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._kept.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Required of files; there is nothing to do."""

    def close(self) -> None:
        """Required of files; there is nothing to do."""

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        piece = b"".join(self._kept)
        self._kept.clear()
        return piece
