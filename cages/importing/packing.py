"""Rows as text for a hidden field: the browser keeps them until the import is confirmed."""

import base64
import binascii
import csv
import io
import zlib
from collections.abc import Collection, Sequence

from django.utils.translation import gettext as _

from cages.importing.columns import COLUMNS
from cages.importing.lines import UnreadableSheetError
from cages.importing.sheet import LARGEST_FILE, LARGEST_ROW_COUNT, SheetRow

# Less than DATA_UPLOAD_MAX_MEMORY_SIZE, because the form has other fields.
LARGEST_PACKED = 900 * 1024
# With the number of each row and what is wrong with it.
LARGEST_TEXT = 4 * LARGEST_FILE


def packed(rows: Sequence[SheetRow]) -> str:
    """Return the rows as text; raises UnreadableSheetError where they are too large.

    All rows have the same columns.
    """
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(rows[0].cells)
    lines.writerows((row.number, row.problem, *row.cells.values()) for row in rows)
    data = text.getvalue().encode(errors="replace")
    code = base64.b64encode(zlib.compress(data)).decode()
    if len(code) > LARGEST_PACKED or len(data) > LARGEST_TEXT:
        raise UnreadableSheetError(_("The file contains too much text. Split it."))
    return code


def unpacked(code: str, known: Collection[str] = COLUMNS) -> list[SheetRow]:
    """Return the rows that were packed; raises UnreadableSheetError for anything else."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b64decode(code, validate=True), LARGEST_TEXT)
        if not stream.eof:
            raise ValueError
        lines = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
        columns = next(lines)
        if not set(columns) <= set(known):
            raise ValueError
        rows = [
            SheetRow(int(number), dict(zip(columns, cells, strict=True)), problem)
            for number, problem, *cells in lines
        ]
        if not 0 < len(rows) <= LARGEST_ROW_COUNT:
            raise ValueError
    except (binascii.Error, csv.Error, StopIteration, ValueError, zlib.error):
        raise UnreadableSheetError(
            _("The file was not sent completely. Choose it again.")
        ) from None
    return rows
