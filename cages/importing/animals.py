"""Import animals, one row each: what an import would do with each row, and doing it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from cages.housing import check_day
from cages.importing.carry_out import PlanChangedError
from cages.importing.columns import normal, quoted
from cages.importing.lines import UnreadableSheetError
from cages.importing.sheet import SheetRow
from cages.models import Animal, Cage, Housing
from cages.models.animal import Sex
from cages.moment_fields import DayField
from neurocage.ids import LARGEST_ID
from people.access import Access
from people.names import key_of

BATCH = 1000
TEXTS = ("strain", "genotype", "protocol", "group")
# {column: the field of Animal or Housing that it fills}
COLUMNS = {
    "number": "number",
    "sex": "sex",
    "born": "born_on",
    **{name: name for name in TEXTS},
    "cage": "cage",
    "since": "since",
    "until": "until",
}
DATES = frozenset({"born", "since", "until"})
FACTS = ("sex", "born", *TEXTS)
SEXES = {"": Sex.UNKNOWN, "f": Sex.FEMALE, "m": Sex.MALE}


@cache
def known_names() -> dict[str, str]:
    """{normal form: column} of every name that is read: in programs, and in each language."""
    names = {normal(column): column for column in COLUMNS}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for column, name in COLUMNS.items():
                model: Any = Animal if column in ("number", *FACTS) else Housing
                names.setdefault(normal(str(model._meta.get_field(name).verbose_name)), column)
    return names


def columns_from(cells: Sequence[str]) -> list[str]:
    """The column of each cell of the first row, "" where it has no name.

    Raises UnreadableSheetError, which names every unknown column.
    """
    known = known_names()
    if strange := [quoted(cell) for cell in cells if cell and normal(cell) not in known]:
        text = _("The first row has unknown columns: %(columns)s. Known columns: %(known)s.")
        told = {"columns": "; ".join(strange), "known": ", ".join(COLUMNS)}
        raise UnreadableSheetError(text % told)
    columns = [known[normal(cell)] if cell else "" for cell in cells]
    if twice := [name for name in COLUMNS if columns.count(name) > 1]:
        text = _("The first row has the column “%(column)s” twice.")
        raise UnreadableSheetError(text % {"column": twice[0]})
    if "number" not in columns:
        raise UnreadableSheetError(_("The file needs the column “number”."))
    return columns


class AnimalRowForm(forms.Form):
    """One row. It makes no query, because there are thousands of rows."""

    number = forms.CharField(max_length=50)
    sex = forms.CharField(required=False)
    born = DayField(required=False, input_formats=["%Y-%m-%d"])
    strain = forms.CharField(max_length=100, required=False)
    genotype = forms.CharField(max_length=100, required=False)
    protocol = forms.CharField(max_length=50, required=False)
    group = forms.CharField(max_length=50, required=False)
    cage = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    since = DayField(required=False, input_formats=["%Y-%m-%d"])
    until = DayField(required=False, input_formats=["%Y-%m-%d"])

    def clean_sex(self) -> Sex:
        words = {**SEXES}
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                words |= {str(sex.label).casefold(): sex for sex in Sex}
        word = self.cleaned_data["sex"].casefold()
        if word not in words:
            raise forms.ValidationError(_("Write f or m, or leave it empty."))
        return words[word]

    @property
    def reasons(self) -> str:
        return " ".join(
            f"{name}: {' '.join(map(str, errors))}" for name, errors in self.errors.items()
        )


@dataclass(slots=True)
class AnimalRow:
    """One row and what the import would do with it.

    animal: as it would be; stored: whether it exists. housing: the one that the row adds or
    changes; ended: the one that a move ends. changes: [(column, before, after)] as text. reason:
    why the row is refused, or empty.
    """

    number: int
    cells: dict[str, str]
    animal: Animal | None = None
    housing: Housing | None = None
    ended: Housing | None = None
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    reason: str = ""

    @property
    def name(self) -> str:
        return self.cells.get("number", "")


@dataclass(frozen=True, slots=True)
class AnimalPlan:
    """Every row of the file in one of four lists, each in the file's order."""

    new: list[AnimalRow]
    changed: list[AnimalRow]
    unchanged: list[AnimalRow]
    refused: list[AnimalRow]

    @property
    def fingerprint(self) -> str:
        """A digest of everything that would be written."""
        rows = [*self.new, *self.changed]
        what = [(row.number, row.animal and row.animal.pk, row.changes) for row in rows]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def plan_of(
    rows: Iterable[SheetRow], access: Access, today: date, lock: bool = False
) -> AnimalPlan:
    """What would be done with these rows for this person; five queries, however many rows.

    lock: within a transaction, hold the cages until its end, so that they stay in their labs.
    """
    planned = [AnimalRow(row.number, row.cells, reason=row.problem) for row in rows]
    forms_of = {}
    for row in planned:
        form = AnimalRowForm(row.cells)
        if not row.reason and not form.is_valid():
            row.reason = form.reasons
        forms_of[row.number] = form.cleaned_data
    good = [row for row in planned if not row.reason]
    changeable = access.changes(Cage.objects.all())
    wanted = {given for row in good if (given := forms_of[row.number]["cage"])}
    named = changeable.filter(pk__in=wanted).order_by("pk")
    cages = {cage.pk: cage for cage in (named.select_for_update(of=("self",)) if lock else named)}
    keys = {key_of(forms_of[row.number]["number"]) for row in good}
    labs = access.labs_to_change.values("pk")
    known: dict[str, list[Animal]] = {}
    for animal in Animal.objects.filter(key__in=keys, lab__in=labs).order_by("pk"):
        known.setdefault(animal.key, []).append(animal)
    lived: dict[int, list[Housing]] = {}
    of_animals = Housing.objects.filter(animal__in=[a.pk for each in known.values() for a in each])
    for housing in of_animals.order_by("since", "pk"):
        lived.setdefault(housing.animal_id, []).append(housing)
    homes = {one.cage_id for each in lived.values() for one in each if one.until is None}
    may_leave = set(changeable.filter(pk__in=homes).order_by().values_list("pk", flat=True))
    seen: set[tuple[int, str]] = set()
    for row in good:
        values = forms_of[row.number]
        key = key_of(values["number"])
        row.reason = _find_animal(row, values, cages, known.get(key, []), today)
        if not row.reason and row.animal:
            # Two labs may each have an animal with the number.
            if (row.animal.lab_id, key) in seen:
                row.reason = _("This number is in the file twice.")
                continue
            seen.add((row.animal.lab_id, key))
            row.reason = _judge(row, row.animal, values, cages, lived, may_leave)
    good = [row for row in planned if not row.reason]
    is_new = {row.number for row in good if row.animal and row.animal.pk is None}
    return AnimalPlan(
        [row for row in good if row.number in is_new],
        [row for row in good if row.number not in is_new and row.changes],
        [row for row in good if row.number not in is_new and not row.changes],
        [row for row in planned if row.reason],
    )


def _find_animal(
    row: AnimalRow,
    values: dict[str, Any],
    cages: dict[int, Cage],
    known: Sequence[Animal],
    today: date,
) -> str:
    """Set the animal that the row is about. Returns why it is refused, or empty."""
    cage = cages.get(values["cage"] or 0)
    if values["cage"] and cage is None:
        return _("There is no such cage that you may change.")
    if cage:
        known = [animal for animal in known if animal.lab_id == cage.lab_id]
    if len(known) > 1:
        return _("Several labs have this number. Name the cage.")
    try:
        for name in sorted(DATES):
            if values[name]:
                check_day(values[name], today)
    except ValidationError as error:
        return error.messages[0]
    if known:
        row.animal = known[0]
    elif cage:
        row.animal = Animal(number=values["number"], lab_id=cage.lab_id)
    else:
        return _("A new animal needs a cage.")
    return ""


def _judge(
    row: AnimalRow,
    animal: Animal,
    values: dict[str, Any],
    cages: dict[int, Cage],
    lived: dict[int, list[Housing]],
    may_leave: set[int],
) -> str:
    """Set what the row does. Returns why it is refused, or empty."""
    for column in FACTS:
        if column in row.cells:
            before = getattr(animal, COLUMNS[column])
            if before != values[column]:
                row.changes.append((column, str(before or ""), str(values[column] or "")))
                setattr(animal, COLUMNS[column], values[column])
    cage = cages.get(values["cage"] or 0)
    return _judge_housing(row, animal, values, cage, lived, may_leave) if cage else ""


def _judge_housing(
    row: AnimalRow,
    animal: Animal,
    values: dict[str, Any],
    cage: Cage,
    lived: dict[int, list[Housing]],
    may_leave: set[int],
) -> str:
    since, until = values["since"], values["until"]
    if since is None:
        return _("A cage needs the day since when.")
    if until and until <= since:
        return _("The last day is before the first one.")
    others = lived.get(animal.pk or 0, [])
    same = next((one for one in others if (one.cage_id, one.since) == (cage.pk, since)), None)
    if same:
        if "until" not in row.cells or same.until == until:
            return ""
        row.changes.append(("until", str(same.until or ""), str(until or "")))
        same.until, row.housing = until, same
    else:
        left = next((one for one in others if one.until is None and one.since < since), None)
        if left and left.cage_id not in may_leave:
            text = _("It lives in cage %(cage)s, which you may not change.")
            return text % {"cage": left.cage_id}
        if left:
            left.until, row.ended = since, left
        row.changes.append(("cage", str(left.cage_id) if left else "", f"{cage.pk}, {since}"))
        row.housing = Housing(animal=animal, cage=cage, since=since, until=until)
    for other in others:
        begins_before = until is None or other.since < until
        if other is not same and begins_before and (other.until is None or other.until > since):
            return _("It lived in cage %(cage)s in these days.") % {"cage": other.cage_id}
    return ""


@transaction.atomic
def carry_out(
    rows: Iterable[SheetRow], fingerprint: str, access: Access, today: date
) -> AnimalPlan:
    """Import these rows as confirmed. Raises PlanChangedError, and IntegrityError where somebody
    else took a number or a day just now."""
    plan = plan_of(rows, access, today, lock=True)
    if plan.fingerprint != fingerprint:
        raise PlanChangedError
    done = [*plan.new, *plan.changed]
    Animal.objects.bulk_create([row.animal for row in plan.new if row.animal], batch_size=BATCH)
    changed = [row.animal for row in plan.changed if row.animal]
    Animal.objects.bulk_update(changed, [COLUMNS[name] for name in FACTS], batch_size=BATCH)
    ended = [row.ended for row in done if row.ended]
    housings = [row.housing for row in done if row.housing]
    ended += [one for one in housings if one.pk]
    Housing.objects.bulk_update(ended, ["until"], batch_size=BATCH)
    Housing.objects.bulk_create([one for one in housings if not one.pk], batch_size=BATCH)
    return plan
