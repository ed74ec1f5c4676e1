"""Read a file into rows: {column: text} of each."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cages.importing import text, workbook
from cages.importing.columns import SHOWN_LENGTH, column_name, columns_from
from cages.importing.lines import LARGEST_WIDTH, MEGABYTE, Line, UnreadableSheetError

LARGEST_FILE = 2 * MEGABYTE
LARGEST_ROW_COUNT = 10_000
# Programs turn 901 into 901.0 where one cell of the column is empty; a German one into 901,0.
WHOLE_NUMBER = re.compile("([0-9]+)[.,]0+")
NUMBERS = frozenset({"id", "row", "column", "animal_count"})


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row. number: as a spreadsheet shows it, the header being 1; cells: {column: text}.

    problem: why its cells cannot be read, or empty.
    """

    number: int
    cells: dict[str, str]
    problem: str = ""


def rows_of(
    data: bytes,
    header: Callable[[Sequence[str]], list[str]] = columns_from,
    dates: Collection[str] = (),
) -> list[SheetRow]:
    """[SheetRow] of a file's bytes, without empty rows; raises UnreadableSheetError.

    header: gives the column of each cell of the first row. dates: columns that hold dates.
    """
    if len(data) > LARGEST_FILE:
        raise UnreadableSheetError(
            _("The file is larger than %(megabytes)d MB. Split it.")
            % {"megabytes": LARGEST_FILE // MEGABYTE}
        )
    lines: Iterable[Line]
    is_workbook = workbook.is_workbook(data)
    lines = workbook.lines_of(data) if is_workbook else text.lines_of(data)
    columns: list[str] | None = None
    rows: list[SheetRow] = []
    for line in lines:
        if columns is None:
            if len(line.cells) > LARGEST_WIDTH and any(line.cells[LARGEST_WIDTH:]):
                raise UnreadableSheetError(
                    _("The file has more than %(count)d columns.") % {"count": LARGEST_WIDTH}
                )
            columns = header(line.cells)
        elif len(rows) == LARGEST_ROW_COUNT:
            raise UnreadableSheetError(
                _("The file has more than %(rows)s rows. Split it.")
                % {"rows": number_format(LARGEST_ROW_COUNT, force_grouping=True)}
            )
        else:
            # A workbook stores no cells after the last that is filled.
            rows.append(_row(line, columns, dates, may_be_short=is_workbook))
    if not rows:
        raise UnreadableSheetError(_("The file has no rows below its column names."))
    return rows


def _row(
    line: Line, columns: Sequence[str], dates: Collection[str], may_be_short: bool
) -> SheetRow:
    named = len(columns) - next(
        (index for index, column in enumerate(reversed(columns)) if column), 0
    )
    cells = dict.fromkeys(filter(None, columns), "")
    problems = []
    if len(line.cells) < named and not may_be_short:
        problems.append(
            _("This row has %(cells)d cells; the first row has %(columns)d.")
            % {"cells": len(line.cells), "columns": named}
        )
    for index, cell in enumerate(line.cells):
        column = columns[index] if index < len(columns) else ""
        if column:
            whole = WHOLE_NUMBER.fullmatch(cell) if column in NUMBERS else None
            cells[column] = whole[1] if whole else cell
            # Notes are for people, who read a date as well.
            if index in line.faults and column != "notes" and column not in dates:
                problems.append(f"{column_name(column)}: {line.faults[index]}")
        elif cell:
            problems.append(
                _("“%(text)s” stands in column %(number)d, which has no name in the first row.")
                % {"text": cell[:SHOWN_LENGTH], "number": index + 1}
            )
    return SheetRow(line.number, cells, " ".join(problems))
