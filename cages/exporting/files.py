"""Files in pieces: each piece is made of one batch of rows when the one before has been sent."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet

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


def harmless(text):
    """The text as no spreadsheet runs it: with an apostrophe before what could be a formula."""
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA) else text


class Clock:
    """Seconds since 1970 as the facility's clock shows them; quick for many in a row."""

    def __init__(self, zone):
        self.zone = zone
        self._quarter = None
        self._known = None

    def offset(self, seconds):
        """(seconds to add for the clock on the wall, "+01:00")."""
        quarter = seconds // QUARTER
        if quarter != self._quarter:
            moment = datetime.fromtimestamp(quarter * QUARTER, tz=UTC).astimezone(self.zone)
            shift = moment.utcoffset() // timedelta(seconds=1)
            text = f"{moment:%z}"
            self._quarter, self._known = quarter, (shift, f"{text[:3]}:{text[3:5]}")
        return self._known


def as_csv(columns, batches, zone, for_excel=False):
    """The pieces of a CSV file (RFC 4180, UTF-8), the names of the columns first.

    for_excel: with the mark by which Excel knows UTF-8.
    """
    text = io.StringIO()
    write = csv.writer(text)

    def taken():
        piece = text.getvalue().encode()
        text.seek(0)
        text.truncate()
        return piece

    write.writerow([column.name for column in columns])
    yield (BOM if for_excel else b"") + taken()
    clock = Clock(zone)
    last_is_text = columns[-1].kind == "text"
    for batch in batches:
        write.writerows(_in_words(row, clock, last_is_text) for row in batch)
        if batch:
            yield taken()


def _in_words(row, clock, last_is_text):
    cage_id, label, seconds, *rest = row
    shift, offset = clock.offset(seconds)
    moment = EPOCH + timedelta(seconds=seconds)
    local = EPOCH + timedelta(seconds=seconds + shift)
    if last_is_text:
        rest[-1] = harmless(rest[-1])
    return (cage_id, harmless(label), f"{moment.isoformat()}Z", local.isoformat(), offset, *rest)


def as_parquet(columns, batches, zone):
    """The pieces of a Parquet file, a row group for each batch."""
    schema = pa.schema([(column.name, TYPES[column.kind]) for column in columns])
    sink, clock = _Sink(), Clock(zone)
    with pa.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            if batch:
                writer.write_table(_table(batch, schema, clock))
            yield sink.taken()
    yield sink.taken()


def _table(batch, schema, clock):
    columns = [list(column) for column in zip(*batch, strict=True)]
    seconds = columns[TIME]
    offsets = [clock.offset(moment) for moment in seconds]
    local = [moment + shift for moment, (shift, _) in zip(seconds, offsets, strict=True)]
    columns[TIME : TIME + 1] = [seconds, local, [text for _, text in offsets]]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


class _Sink(io.RawIOBase):
    """Where a writer writes to; `taken` empties it."""

    def __init__(self):
        super().__init__()
        self._pieces, self._position = [], 0

    def writable(self):
        return True

    def write(self, piece):
        self._pieces.append(bytes(piece))
        self._position += len(piece)
        return len(piece)

    def tell(self):
        return self._position

    def taken(self):
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def dictionary(kinds, zone_name):
    """The data dictionary as CSV: a row for each column of each kind of file."""
    text = io.StringIO()
    write = csv.writer(text)
    write.writerow(["file", "column", "type", "meaning", "facility_time_zone"])
    for kind, columns in kinds.items():
        for column in columns:
            write.writerow([kind, column.name, column.kind, column.meaning, zone_name])
    return text.getvalue()
