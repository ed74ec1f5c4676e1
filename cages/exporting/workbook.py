"""Excel workbooks (.xlsx, ECMA-376) in pieces, with typed cells: numbers, dates, and texts.

The package openpyxl makes everything but the rows. It could write these too, but only into a whole
file, and a million rows would take 310 s of CPU (XlsxWriter: 155 s; here: 27 s). No text becomes a
formula, a number or a date, because each cell says that it is a text.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from cages.exporting.columns import Column
from cages.exporting.files import QUARTER, Pieces, Pipe, offset_of
from cages.exporting.rows import Batches

SHEET = "xl/worksheets/sheet1.xml"
FORMATS = {"integer": "0", "text": "@", "moment": "yyyy-mm-dd hh:mm", "clock": "yyyy-mm-dd hh:mm"}
WIDTHS = {"integer": 12, "text": 22, "moment": 18, "clock": 18}
DAY = 86_400
# 1 January 1970 as a spreadsheet counts days.
FIRST_DAY = 25_569
# What XML cannot hold, and what would be read as standing for such a character.
UNWRITABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)"
)


def as_workbook(columns: Sequence[Column], batches: Batches, zone: tzinfo) -> Pieces:
    """Yield the pieces of a workbook with these rows; at most SHEET_ROWS with the names."""
    return workbook(columns, ([_apart(row, zone) for row in batch] for batch in batches))


def _apart(row: tuple[Any, ...], zone: tzinfo) -> tuple[Any, ...]:
    cage_id, label, seconds, *rest = row
    shift, offset = offset_of(zone, seconds // QUARTER)
    return (cage_id, label, seconds, seconds + shift, offset, *rest)


def workbook(columns: Sequence[Column], batches: Iterable[Iterable[Sequence[Any]]]) -> Pieces:
    """Yield the pieces of a workbook with one sheet, one piece for each batch of rows.

    A value is None, or an int or a str as its column's kind says. Moments and clocks are seconds
    since 1970.
    """
    parts, head, tail, styles = _frame(columns)
    row_of = _writer([column.kind for column in columns], styles)
    pipe, number = Pipe(), 1
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            archive.writestr(name, content)
        with archive.open(SHEET, "w") as sheet:
            sheet.write(head)
            yield pipe.taken()
            for batch in batches:
                rows = []
                for row in batch:
                    number += 1
                    rows.append(row_of(number, row))
                sheet.write("".join(rows).encode())
                yield pipe.taken()
            sheet.write(tail)
    yield pipe.taken()


def _frame(
    columns: Sequence[Column],
) -> tuple[list[tuple[str, bytes]], bytes, bytes, list[int]]:
    """(the other parts, the sheet before and after its rows, the style of each column)."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Neurocage"
    sheet.freeze_panes = "A2"
    styles = []
    for number, column in enumerate(columns, start=1):
        name = sheet.cell(1, number, column.name)
        name.font = Font(bold=True)
        width = sheet.column_dimensions[get_column_letter(number)]
        # For the cells that are still empty too.
        width.number_format = FORMATS[column.kind]
        width.width = max(WIDTHS[column.kind], len(column.name) + 2)
        styles.append(width.style_id)
    file = io.BytesIO()
    book.save(file)
    with zipfile.ZipFile(file) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist() if name != SHEET]
        whole = archive.read(SHEET)
    # The size of the sheet is not known yet, and need not be told.
    head, end, tail = re.sub(b"<dimension [^>]*/>", b"", whole).partition(b"</sheetData>")
    return parts, head, end + tail, styles


def _writer(kinds: Sequence[str], styles: Sequence[int]) -> Callable[[int, Sequence[Any]], str]:
    """Return what makes the XML of a row, from its number and its values."""
    cells = [
        (get_column_letter(place), f'" s="{style}"', kind)
        for place, (kind, style) in enumerate(zip(kinds, styles, strict=True), start=1)
    ]

    def cells_of(number: int, values: Sequence[Any]) -> Iterator[str]:
        for (letter, style, kind), value in zip(cells, values, strict=True):
            if value is None or value == "":
                continue
            if kind == "text":
                yield f'<c r="{letter}{number}{style} t="inlineStr">{_text(value)}</c>'
            elif kind == "integer":
                yield f'<c r="{letter}{number}{style}><v>{value}</v></c>'
            else:
                yield f'<c r="{letter}{number}{style}><v>{value / DAY + FIRST_DAY}</v></c>'

    return lambda number, values: f'<row r="{number}">{"".join(cells_of(number, values))}</row>'


@lru_cache(maxsize=4096)
def _text(value: str) -> str:
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    safe = UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", lines)
    return f'<is><t xml:space="preserve">{escape(safe)}</t></is>'
