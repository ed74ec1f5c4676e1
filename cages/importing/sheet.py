"""Read a CSV file into rows, and pack it to be sent back when the import is confirmed."""

import base64
import binascii
import csv
import io
import zlib
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cages.models.fields import NAMES

COLUMNS = ("id", *NAMES)
MEGABYTE = 1024 * 1024
LARGEST_FILE = 2 * MEGABYTE
LARGEST_ROW_COUNT = 10_000
# Less than DATA_UPLOAD_MAX_MEMORY_SIZE, because the form has other fields.
LARGEST_PACKED = 900 * 1024
DELIMITERS = ",;\t"


class UnreadableSheetError(ValueError):
    """The file cannot be read. str() says why, in the person's language."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row. number: as a spreadsheet shows it, the header being 1; cells: {column: text}.

    problem: why its cells cannot be told apart, or empty.
    """

    number: int
    cells: dict[str, str]
    problem: str = ""


def rows_of(data: bytes) -> list[SheetRow]:
    """[SheetRow] of a file's bytes, without empty rows; raises UnreadableSheetError."""
    if len(data) > LARGEST_FILE:
        raise UnreadableSheetError(
            _("The file is larger than %(megabytes)d MB. Split it.")
            % {"megabytes": LARGEST_FILE // MEGABYTE}
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableSheetError(
            _("The file is not UTF-8 text. In a spreadsheet, save it as “CSV UTF-8”.")
        ) from None
    head = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    rows: list[SheetRow] = []
    try:
        for number, line in enumerate(lines, start=1):
            cells = [cell.strip() for cell in line]
            if not any(cells):
                continue
            if columns is None:
                columns = _columns_from(cells)
            elif len(rows) == LARGEST_ROW_COUNT:
                raise UnreadableSheetError(
                    _("The file has more than %(rows)s rows. Split it.")
                    % {"rows": number_format(LARGEST_ROW_COUNT, force_grouping=True)}
                )
            else:
                rows.append(_row(number, cells, columns))
    except csv.Error as error:
        raise UnreadableSheetError(
            _("The file is not valid CSV near line %(line)d: %(error)s.")
            % {"line": lines.line_num, "error": error}
        ) from None
    if not rows:
        raise UnreadableSheetError(_("The file has no rows below its column names."))
    return rows


def _columns_from(cells: list[str]) -> list[str]:
    columns = ["_".join(cell.lower().split()) for cell in cells]
    if strange := [cell for cell, name in zip(cells, columns, strict=True) if name not in COLUMNS]:
        raise UnreadableSheetError(
            _("The first row has an unknown column: “%(column)s”. Known columns: %(known)s.")
            % {"column": strange[0][:50], "known": ", ".join(COLUMNS)}
        )
    if twice := [name for name in COLUMNS if columns.count(name) > 1]:
        raise UnreadableSheetError(
            _("The first row has the column “%(column)s” twice.") % {"column": twice[0]}
        )
    if not {"id", "label"} & set(columns):
        raise UnreadableSheetError(_("The file needs the column “id” or “label”."))
    return columns


def _row(number: int, cells: list[str], columns: list[str]) -> SheetRow:
    problem = ""
    if len(cells) != len(columns):
        problem = _("This row has %(cells)d cells; the first row has %(columns)d.") % {
            "cells": len(cells),
            "columns": len(columns),
        }
    return SheetRow(number, dict(zip(columns, cells, strict=False)), problem)


def packed(data: bytes) -> str:
    """A file's bytes as text for a hidden field; raises UnreadableSheetError where too large."""
    text = base64.b64encode(zlib.compress(data)).decode()
    if len(text) > LARGEST_PACKED:
        raise UnreadableSheetError(_("The file contains too much text. Split it."))
    return text


def unpacked(text: str) -> bytes:
    """The bytes that were packed; raises UnreadableSheetError for anything else."""
    stream = zlib.decompressobj()
    try:
        # One byte more than allowed shows that it is too large, without unpacking the rest.
        data = stream.decompress(base64.b64decode(text, validate=True), LARGEST_FILE + 1)
    except (binascii.Error, ValueError, zlib.error):
        data = None
    if data is None or not (stream.eof or len(data) > LARGEST_FILE):
        raise UnreadableSheetError(_("The file was not sent completely. Choose it again."))
    return data
