"""The columns of the import, and which column the head of a sheet means."""

import difflib
from collections.abc import Sequence
from functools import cache

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from cages.importing.lines import UnreadableSheetError
from cages.models.fields import FIELDS, NAMES
from people.names import key_of

COLUMNS = ("id", *NAMES)
LABELS = {field.name: field for field in FIELDS}
SHOWN_LENGTH = 50
# How like a known name an unknown one must be to be suggested (difflib; 1: the same).
SIMILARITY = 0.7
# What people call the columns in lists of their own. These are suggested, and never taken, because
# a list may mean something else by them.
USUAL_NAMES = {
    "id": "sensor, sensor id, cage id, käfig id",
    "label": "cage, cage name, cage no, cage nr, cage number, name, käfig, käfigname, käfig nr, "
    "käfignummer",
    "room": "location, raum nr, room no, zimmer",
    "rack": "rack no, rack nr, regal nr, gestell",
    "row": "shelf, zeile, fach",
    "column": "col, position",
    "strain": "species, line, mouse line, background, stamm, linie, spezies, tierart, art",
    "animal_count": "mice, no mice, nr mice, rats, animals, no of animals, count, n, mäuse, "
    "ratten, tiere, tierzahl, anzahl",
    "owner": "pi, responsible, responsible person, user, contact, besitzer, nutzer",
    "notes": "note, comment, comments, remark, remarks, bemerkung, bemerkungen, kommentar",
    "is_polled": "polled, active, aktiv, abfragen",
    "birth": "dob, birth, date of birth, birthday, born, geburtsdatum, geburt, geboren",
    "sex": "sex, gender, geschlecht",
    "genotype": "genotype, genotyp",
}


def normal(name: str) -> str:
    """Return the normal form of a column's name: "Animal count" and "animal_count" are the same."""
    return key_of(name.replace("_", " "))


@cache
def known_names() -> dict[str, str]:
    """{normal form: column} of every name that is read: in programs, and in each language."""
    names = {normal(column): column for column in COLUMNS}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for field in FIELDS:
                names.setdefault(normal(field.label), field.name)
    return names


@cache
def _usual_names() -> dict[str, str]:
    """{normal form without marks: column or fact} of the names that may be suggested."""
    listed = {name: column for column, text in USUAL_NAMES.items() for name in text.split(", ")}
    names = {**listed, **known_names()}
    return {_without_marks(name): column for name, column in names.items()}


def _without_marks(name: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in normal(name)).split())


def quoted(text: str) -> str:
    """Return the text in the quotation marks of the reader's language."""
    return _("“%(text)s”") % {"text": text}


def column_name(column: str) -> str:
    """Return how a person reads the column's name."""
    return LABELS[column].label if column in LABELS else "id"


def nearest(name: str) -> str:
    """Return the words for what an unknown name probably means, or empty."""
    facts = {
        "birth": _("date of birth: there is no such column, use notes"),
        "sex": _("sex: there is no such column, use notes"),
        "genotype": _("genotype: there is no such column, use strain or notes"),
    }
    usual, text = _usual_names(), _without_marks(name)
    like = difflib.get_close_matches(text, usual, n=1, cutoff=SIMILARITY)
    found = usual.get(like[0]) if like else None
    if found is None:
        return ""
    if found in facts:
        return facts[found]
    label = column_name(found)
    return label if normal(label) == normal(found) else f"{label} ({found})"


def known_count(cells: Sequence[str]) -> int:
    """Return how many of these cells are names of columns."""
    return sum(normal(cell) in known_names() for cell in cells if cell)


def columns_from(cells: Sequence[str]) -> list[str]:
    """Return the column of each cell of the first row, "" where it has no name.

    Raises UnreadableSheetError, which names every unknown column.
    """
    known = known_names()
    if strange := [cell for cell in cells if cell and normal(cell) not in known]:
        names = [
            quoted(cell[:SHOWN_LENGTH]) + (f" → {words}" if (words := nearest(cell)) else "")
            for cell in strange
        ]
        raise UnreadableSheetError(
            _(
                "The first row has unknown columns: %(columns)s. "
                "Rename or remove them. Known columns: %(known)s."
            )
            % {"columns": "; ".join(names), "known": ", ".join(COLUMNS)}
        )
    columns = [known[normal(cell)] if cell else "" for cell in cells]
    if twice := [name for name in COLUMNS if columns.count(name) > 1]:
        raise UnreadableSheetError(
            _("The first row has the column “%(column)s” twice.") % {"column": twice[0]}
        )
    if not {"id", "label"} & set(columns):
        raise UnreadableSheetError(_("The file needs the column “id” or “label”."))
    return columns
