"""Files in pieces: each piece is made of one batch of rows when the one before has been sent."""

import csv
import io
from collections.abc import Generator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from cages.exporting.columns import Column
from cages.exporting.rows import Batches

Pieces = Generator[bytes, None, None]

BOM = b"\xef\xbb\xbf"
# Clocks are only ever set at full quarters of an hour.
QUARTER = 900
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# Where the number of seconds stands in a row, after id and label (cages.exporting.rows).
TIME = 2
# Without a zone: only for its arithmetic.
EPOCH = datetime(1970, 1, 1)
TYPES = {
    "integer": pa.int32(),
    "text": pa.string(),
    "moment": pa.timestamp("s", tz="UTC"),
    "clock": pa.timestamp("s"),
}


def harmless(text: Any) -> Any:
    """Return the value, with an apostrophe before a text that a spreadsheet takes for a formula."""
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA) else text


@lru_cache
def offset_of(zone: tzinfo, quarter: int) -> tuple[int, str]:
    """(seconds to add to UTC, "+01:00") in one of the zone's quarters of an hour since 1970."""
    moment = datetime.fromtimestamp(quarter * QUARTER, tz=UTC).astimezone(zone)
    shift = (moment.utcoffset() or timedelta()) // timedelta(seconds=1)
    text = f"{moment:%z}"
    return shift, f"{text[:3]}:{text[3:5]}"


def as_csv(
    columns: Sequence[Column], batches: Batches, zone: tzinfo, for_excel: bool = False
) -> Pieces:
    """Yield the pieces of a CSV file (RFC 4180, UTF-8), the names of the columns first.

    for_excel: with the mark by which Excel knows UTF-8.
    """
    yield (BOM if for_excel else b"") + _csv([[column.name for column in columns]]).encode()
    last_is_text = columns[-1].kind == "text"
    for batch in batches:
        if batch:
            yield _csv(_in_words(row, zone, last_is_text) for row in batch).encode()


def _csv(rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _in_words(row: tuple[Any, ...], zone: tzinfo, last_is_text: bool) -> tuple[Any, ...]:
    cage_id, label, seconds, *rest = row
    shift, offset = offset_of(zone, seconds // QUARTER)
    moment = EPOCH + timedelta(seconds=seconds)
    local = EPOCH + timedelta(seconds=seconds + shift)
    if last_is_text:
        rest[-1] = harmless(rest[-1])
    return (cage_id, harmless(label), f"{moment.isoformat()}Z", local.isoformat(), offset, *rest)


def as_parquet(columns: Sequence[Column], batches: Batches, zone: tzinfo) -> Pieces:
    """Yield the pieces of a Parquet file, a row group for each batch."""
    schema = pa.schema([(column.name, TYPES[column.kind]) for column in columns])
    sink = _Sink()
    with pa.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            if batch:
                writer.write_table(_table(batch, schema, zone))
            yield sink.taken()
    yield sink.taken()


def _table(batch: list[tuple[Any, ...]], schema: pa.Schema, zone: tzinfo) -> pa.Table:
    columns = [list(column) for column in zip(*batch, strict=True)]
    seconds = columns[TIME]
    offsets = [offset_of(zone, moment // QUARTER) for moment in seconds]
    local = [moment + shift for moment, (shift, _) in zip(seconds, offsets, strict=True)]
    columns[TIME : TIME + 1] = [seconds, local, [text for _, text in offsets]]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


class _Sink(io.BytesIO):
    """Keeps what a writer writes until it is taken."""

    _sent = 0

    def tell(self) -> int:
        return self._sent + super().tell()

    def taken(self) -> bytes:
        piece = self.getvalue()
        self._sent += len(piece)
        self.seek(0)
        self.truncate()
        return piece


def dictionary(kinds: Mapping[str, Iterable[Column]], zone_name: str) -> str:
    """The data dictionary as CSV: a row for each column of each kind of file."""
    head = ("file", "column", "type", "meaning", "facility_time_zone")
    rows = [
        (kind, column.name, column.kind, column.meaning, zone_name)
        for kind, columns in kinds.items()
        for column in columns
    ]
    return _csv([head, *rows])
