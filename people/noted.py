"""The tables whose changes the database notes, and how a page says what was changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from people.acting import note_changes_of
from people.models import Change, User, Verb

# What the database tells in place of a secret.
HIDDEN = "…"
NOTHING = "–"
LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True)
class Noted:
    """One table. name: what a row of it is, in the reader's language.

    address: gives the page of a row with this id, or None. merged: columns that are told as one,
    {its name: (columns, how their values read together)}.
    """

    model: type[models.Model]
    name: Promise | str
    address: Callable[[str], str] | None = None
    merged: Mapping[Any, tuple[tuple[str, ...], Callable[..., str]]] = field(default_factory=dict)


NOTED: dict[str, Noted] = {}


def note(*tables: Noted) -> None:
    """Say that a migration has put the trigger on the tables of these models."""
    for one in tables:
        table = one.model._meta.db_table
        NOTED[table] = one
        note_changes_of(table)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what it was and what it is. Empty where there was or is no row."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """One change as a page tells it. address: the page of the row, or empty."""

    change: Change
    what: str
    differences: list[Difference]
    address: str

    @property
    def verb(self) -> str:
        return str(Verb(self.change.verb).label)


def lines_of(changes: Iterable[Change]) -> list[Line]:
    """Say the changes in words. One query for each table whose rows they name, at most four."""
    changes = list(changes)
    names = _names_of(changes)
    return [_line_of(change, names) for change in changes]


def _line_of(change: Change, names: "Names") -> Line:
    noted = NOTED.get(change.table)
    what = str(noted.name) if noted else change.table
    title = f"{what} {change.row}" + (f" · {change.words}" if change.words else "")
    gone = change.verb == Verb.DELETED
    address = noted.address(change.row) if noted and noted.address and not gone else ""
    return Line(change, title, list(_differences(change, noted, names)), address)


Names = dict[type[models.Model], dict[int, str]]


def _names_of(changes: list[Change]) -> Names:
    """{model: {id: what the row is called now}} for the rows that the changes refer to."""
    wanted: dict[type[models.Model], set[int]] = {}
    for change in changes:
        if noted := NOTED.get(change.table):
            for values in (change.before, change.after):
                for column, value in values.items():
                    model = _refers_to(noted, column)
                    if model and isinstance(value, int):
                        wanted.setdefault(model, set()).add(value)
    return {
        model: {row.pk: str(row) for row in model._default_manager.filter(pk__in=ids)}
        for model, ids in wanted.items()
    }


def _field_of(noted: Noted, column: str) -> Any:
    return next((one for one in noted.model._meta.fields if one.column == column), None)


def _refers_to(noted: Noted, column: str) -> type[models.Model] | None:
    found = _field_of(noted, column)
    related = found.related_model if found and found.is_relation else None
    # What the others are called would take further queries.
    has_name = related is User or hasattr(related, "name")
    return related if related and has_name else None


def _differences(change: Change, noted: Noted | None, names: Names) -> Iterable[Difference]:
    before, after = dict(change.before), dict(change.after)
    columns = [column for column in {**before, **after} if column != "id"]
    for name, (parts, together) in (noted.merged if noted else {}).items():
        if not any(part in columns for part in parts):
            continue
        columns = [column for column in columns if column not in parts]
        was, now = (together(*(side.get(part) for part in parts)) for side in (before, after))
        if was or now:
            yield Difference(str(name), was or NOTHING, now or NOTHING)
    for column in columns:
        found = _field_of(noted, column) if noted else None
        was, now = (_in_words(side.get(column), found, names) for side in (before, after))
        if change.verb == Verb.CHANGED or was or now:
            label = str(capfirst(found.verbose_name)) if found else column
            yield Difference(label, was or NOTHING, now or NOTHING)


def _in_words(value: Any, found: Any, names: Names) -> str:
    """The value as a person reads it, or "" for nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(found, models.DateTimeField) and isinstance(value, str):
        moment = parse_datetime(value)
        return f"{localtime(moment):%Y-%m-%d %H:%M}" if moment else value
    if found is not None and found.is_relation and isinstance(value, int):
        return names.get(found.related_model, {}).get(value, str(value))
    choices = dict(found.flatchoices) if found is not None else {}
    known = isinstance(value, str | int) and value in choices
    text = str(choices[value] if known else value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
