"""What only the person can say of a file: answers that change how its rows are read."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from cages.importing.columns import SHOWN_LENGTH, column_name
from cages.importing.sheet import SheetRow
from people.names import key_of

# How a spreadsheet's formula begins. Some programs write an apostrophe before such a text.
FORMULA = ("'=", "'+", "'-", "'@")
SAME_IF_READ_THE_SAME = frozenset({"label", "room", "rack"})


class Answer(StrEnum):
    """ANIMALS: a row is one animal. BARE, GUARDED: without and with the apostrophe."""

    ANIMALS = "animals"
    BARE = "bare"
    GUARDED = "guarded"


@dataclass(frozen=True, slots=True)
class Animals:
    """How a file would be read if each of its rows were one animal. Every row is an animal."""

    rows: int
    cages: int


def animals_in(rows: Iterable[SheetRow]) -> Animals | None:
    """Return what can be offered for a file in which rows name the same cage, or None.

    A file that has the number of animals is not of this kind.
    """
    whole = [row for row in rows if not row.problem]
    cages = len(_by_cage(whole))
    has_counts = any(row.cells.get("animal_count") for row in whole)
    return Animals(len(whole), cages) if cages < len(whole) and not has_counts else None


def read_as(rows: Iterable[SheetRow], answers: Collection[str]) -> list[SheetRow]:
    """Return the rows as they are to be read after these answers."""
    rows = list(rows)
    if Answer.BARE in answers:
        rows = [SheetRow(row.number, _bare(row.cells), row.problem) for row in rows]
    if Answer.ANIMALS in answers and animals_in(rows):
        broken = [row for row in rows if row.problem]
        cages = _by_cage(row for row in rows if not row.problem).values()
        rows = sorted([*broken, *map(_one_cage, cages)], key=lambda row: row.number)
    return rows


def guarded_in(cells: dict[str, str]) -> dict[str, str]:
    """{column: text} of the cells whose apostrophe may not be part of the text."""
    return {column: text for column, text in cells.items() if text.startswith(FORMULA)}


def question_of(guarded: dict[str, str]) -> str:
    """Return the words that ask about the apostrophes of one row."""
    return " ".join(
        _("%(column)s: Is it “%(text)s”? The apostrophe before it may come from a spreadsheet.")
        % {"column": column_name(column), "text": text[1 : SHOWN_LENGTH + 1]}
        for column, text in guarded.items()
    )


def _bare(cells: dict[str, str]) -> dict[str, str]:
    return cells | {column: text[1:] for column, text in guarded_in(cells).items()}


def _by_cage(rows: Iterable[SheetRow]) -> dict[tuple[str, ...], list[SheetRow]]:
    """The rows about each cage: those with its id, or else its label and owner."""
    cages: dict[tuple[str, ...], list[SheetRow]] = {}
    for row in rows:
        get = row.cells.get
        label = key_of(get("label", ""))
        # A row that names no cage is one of its own.
        nameless = "" if get("id") or label else str(row.number)
        key = (get("id") or "", "" if get("id") else label, get("owner", ""), nameless)
        cages.setdefault(key, []).append(row)
    return cages


def _one_cage(rows: Sequence[SheetRow]) -> SheetRow:
    """The row of a cage with one animal for each of these rows. Different notes are joined."""
    cells, differing = {}, []
    for column in rows[0].cells:
        texts = [text for row in rows if (text := row.cells[column])]
        forms = {key_of(text) if column in SAME_IF_READ_THE_SAME else text for text in texts}
        if column == "notes":
            cells[column] = "\n".join(dict.fromkeys(texts))
            continue
        cells[column] = texts[0] if texts else ""
        if len(forms) > 1:
            differing.append(column_name(column))
    problem = ""
    if differing:
        problem = _("The rows of this cage differ in %(columns)s. Rows: %(rows)s.") % {
            "columns": ", ".join(differing),
            "rows": ", ".join(str(row.number) for row in rows),
        }
    # All rows of a file have the same columns, so the number of animals is added to each.
    return SheetRow(rows[0].number, cells | {"animal_count": str(len(rows))}, problem)
