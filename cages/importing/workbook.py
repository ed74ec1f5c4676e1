"""The lines of an Excel workbook (.xlsx, ECMA-376). Its size is checked before it is unpacked."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.parsers import expat

from django.utils.translation import gettext as _
from openpyxl import load_workbook

from cages.importing.columns import known_count, quoted
from cages.importing.lines import LARGEST_WIDTH, MEGABYTE, Line, UnreadableSheetError

LARGEST_UNPACKED = 32 * MEGABYTE
LARGEST_PART_COUNT = 500
LARGEST_SHEET_COUNT = 20
# 10,000 rows of 40 columns. A spreadsheet stores formatted empty cells too.
LARGEST_CELL_COUNT = 400_000
# A cell with its own text has three elements.
LARGEST_ELEMENT_COUNT = 3 * LARGEST_CELL_COUNT
CHUNK = 64 * 1024
ZIP, OLD_FILE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A character that XML cannot hold, as Excel writes it.
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def is_workbook(data: bytes) -> bool:
    """Whether the file is a workbook, or something that people take for one."""
    return data.startswith((ZIP, OLD_FILE))


def lines_of(data: bytes) -> list[Line]:
    """Return the lines that are not empty of the sheet with the cages.

    Raises UnreadableSheetError.
    """
    if data.startswith(OLD_FILE):
        raise UnreadableSheetError(
            _(
                "This is an old Excel file (.xls) or has a password. "
                "Save it as .xlsx without a password."
            )
        )
    broken = UnreadableSheetError(_("The file is not an Excel workbook that can be read."))
    try:
        _check_size(data)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if len(shown) > LARGEST_SHEET_COUNT:
            raise _too_large()
        sheets = {sheet.title: list(_lines(sheet)) for sheet in shown}
    except UnreadableSheetError:
        raise
    # For a broken file the library raises errors of many kinds.
    except Exception:
        raise broken from None
    filled = {title: lines for title, lines in sheets.items() if lines}
    named = {title: lines for title, lines in filled.items() if known_count(lines[0].cells)}
    if len(named) > 1:
        raise UnreadableSheetError(
            _("More than one sheet has columns of cages: %(sheets)s. Keep only one of them.")
            % {"sheets": ", ".join(map(quoted, named))}
        )
    return next(iter((named or filled).values()), [])


def _check_size(data: bytes) -> None:
    """Raise UnreadableSheetError if the workbook is large or broken, without unpacking it whole.

    `zipfile` never unpacks more of a part than the size that is checked here.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if "xl/workbook.xml" not in archive.namelist():
            raise UnreadableSheetError(
                _("The file is not an Excel workbook. Save it as .xlsx or as “CSV UTF-8”.")
            )
        is_long = len(parts) > LARGEST_PART_COUNT
        if is_long or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
            raise _too_large()
        count = _Count()
        for part in parts:
            if part.filename.lower().endswith((".xml", ".rels")):
                count.read(archive, part)


class _Count:
    """The cells and elements of all parts so far. The library makes objects of all of a row."""

    def __init__(self) -> None:
        self.cells = self.elements = 0

    def read(self, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
        self.is_sheet = part.filename.startswith("xl/worksheets/")
        self.is_text = self.lacks_result = False
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        # A workbook has no document type. Entities, which could grow without end, need one.
        self.parser.StartDoctypeDeclHandler = self._refuse
        with archive.open(part) as stream:
            while piece := stream.read(CHUNK):
                self.parser.Parse(piece, False)
        self.parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self.elements += 1
        self.cells += name == "c"
        if self.cells > LARGEST_CELL_COUNT or self.elements > LARGEST_ELEMENT_COUNT:
            raise _too_large()
        if name == "c":
            # The result of a formula may be an empty text.
            self.is_text = attributes.get("t") == "str"
        elif name == "f" and self.is_sheet:
            self.lacks_result = not self.is_text
            return
        if self.lacks_result:
            if name != "v":
                raise UnreadableSheetError(
                    _("The workbook has formulas without results. Open it in Excel and save it.")
                )
            self.parser.CharacterDataHandler = self._result

    def _result(self, _text: str) -> None:
        self.lacks_result = False
        self.parser.CharacterDataHandler = None

    @staticmethod
    def _refuse(*_args: Any) -> None:
        raise ValueError("a document type")


def _too_large() -> UnreadableSheetError:
    return UnreadableSheetError(
        _("The workbook is too large. Keep one sheet with only the columns of the cages.")
    )


def _lines(sheet: Any) -> Iterator[Line]:
    # What the file says of its own size may be wrong.
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        faults: dict[int, str] = {}
        texts = [_text(cell, index, faults) for index, cell in enumerate(cells)]
        while texts and not texts[-1]:
            texts.pop()
        if len(texts) > LARGEST_WIDTH:
            raise _too_large()
        if texts:
            yield Line(number, texts, faults)


def _text(cell: Any, index: int, faults: dict[int, str]) -> str:
    """Return the cell's text as a person sees it, and note why it may be another one."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int):
        zeros = cell.number_format
        # "0012", where the sheet shows numbers with four digits.
        return str(value).zfill(len(zeros) if set(zeros) == {"0"} else 0)
    if isinstance(value, (date, time, timedelta)):
        if isinstance(value, datetime) and value.time() == time():
            value = value.date()
        text = str(value)
        faults[index] = _(
            "The spreadsheet made a date or a time of it (%(text)s). "
            "Format the column as text and enter it again."
        ) % {"text": text}
        return text
    text = ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(value)).strip()
    if cell.data_type == "e":
        faults[index] = _("The cell shows the error %(text)s.") % {"text": text}
    return text
