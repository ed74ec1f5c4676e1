"""The lines of a text file with separators: CSV as spreadsheets of all countries write it."""

import codecs
import csv
import io
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from cages.importing.columns import known_count
from cages.importing.lines import Line, UnreadableSheetError

DELIMITERS = ",;\t"
# A first line that tells Excel the separator. Excel does not show it and does not count it.
SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?[,;\t ]*(?:\r\n|\r|\n)', re.IGNORECASE)


def lines_of(data: bytes) -> Iterator[Line]:
    """Yield the lines that are not empty; raises UnreadableSheetError, also while it is read."""
    text = _decoded(data)
    if told := SEPARATOR_LINE.match(text):
        text, delimiter = text[told.end() :], told[1]
    else:
        # The separator is the one under which the names of the columns are known.
        delimiter = max(DELIMITERS, key=lambda one: _fitness(text, one))
    head, inner = _head(text, delimiter)
    lines = _read(text, delimiter)
    first = next(lines, None)
    if first:
        yield Line(first.number, head)
    for line in lines:
        yield Line(line.number, _apart(line.cells, inner, len(head))) if inner else line


def _decoded(data: bytes) -> str:
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableSheetError(
            _("The file is not UTF-8 text. In a spreadsheet, save it as .xlsx or “CSV UTF-8”.")
        ) from None


def _read(text: str, delimiter: str, strict: bool = True) -> Iterator[Line]:
    found = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    try:
        for number, cells in enumerate(found, start=1):
            line = Line(number, [cell.strip() for cell in cells])
            if any(line.cells):
                yield line
    except csv.Error:
        raise UnreadableSheetError(
            _(
                "The file is not valid CSV near line %(line)d: a quotation mark is missing there, "
                "or one stands in the middle of a cell."
            )
            % {"line": found.line_num}
        ) from None


def _fitness(text: str, delimiter: str) -> tuple[int, bool]:
    head, inner = _head(text, delimiter)
    return known_count(head), not inner


def _head(text: str, delimiter: str) -> tuple[list[str], str]:
    """The first row that is not empty, and the separator within its only cell, or "".

    A spreadsheet that expects another separator puts whole lines into the first column.
    """
    line = next(_read(text, delimiter, strict=False), None)
    cells = line.cells if line else []
    if len([cell for cell in cells if cell]) == 1 and not known_count(cells):
        for inner in DELIMITERS.replace(delimiter, ""):
            apart = _apart(cells, inner, 2)
            if known_count(apart) > 1:
                return apart, inner
    return cells, ""


def _apart(cells: list[str], inner: str, least: int) -> list[str]:
    """The cells of the only cell that is filled, if it has that many; else the cells as given."""
    if not cells[0] or any(cells[1:]):
        return cells
    line = next(_read(cells[0], inner, strict=False), None)
    return line.cells if line and len(line.cells) >= least else cells
