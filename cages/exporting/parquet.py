"""Parquet files in pieces. The package for it is large, so an installation may do without it."""

import io
from collections.abc import Sequence
from datetime import tzinfo
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from cages.exporting.columns import Column
from cages.exporting.files import QUARTER, TIME, Pieces, offset_of
from cages.exporting.rows import Batches

if TYPE_CHECKING:
    import pyarrow as pa


def is_installed() -> bool:
    """Whether this installation can write Parquet."""
    return find_spec("pyarrow") is not None


def as_parquet(columns: Sequence[Column], batches: Batches, zone: tzinfo) -> Pieces:
    """Yield the pieces of a Parquet file, a row group for each batch.

    Raises ImportError where the package is not installed.
    """
    import pyarrow as pa
    import pyarrow.parquet

    types = {
        "integer": pa.int32(),
        "text": pa.string(),
        "moment": pa.timestamp("s", tz="UTC"),
        "clock": pa.timestamp("s"),
    }
    schema = pa.schema([(column.name, types[column.kind]) for column in columns])
    sink = _Sink()
    with pa.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            if batch:
                writer.write_table(_table(batch, schema, zone))
            yield sink.taken()
    yield sink.taken()


def _table(batch: list[tuple[Any, ...]], schema: "pa.Schema", zone: tzinfo) -> "pa.Table":
    import pyarrow as pa

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
