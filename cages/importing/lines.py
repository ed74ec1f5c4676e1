"""What a text file and a workbook have in common: lines of cells."""

from dataclasses import dataclass, field

MEGABYTE = 1024 * 1024
# Columns of a sheet. It has more only where the file is something else.
LARGEST_WIDTH = 100


class UnreadableSheetError(ValueError):
    """The file cannot be read. str() says why, in the person's language."""


@dataclass(slots=True)
class Line:
    """One row of a sheet. number: as a spreadsheet shows it; cells: texts without blanks around.

    faults: {index of a cell: why its text is not what the person wrote}.
    """

    number: int
    cells: list[str]
    faults: dict[int, str] = field(default_factory=dict)
