"""What an import would do with each row: new, changed, unchanged, or refused and why."""

import copy
import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils.translation import gettext as _

from cages.importing.columns import column_name
from cages.importing.dates import dates_in
from cages.importing.form import RowForm
from cages.importing.questions import Answer, guarded_in, question_of, read_as
from cages.importing.sheet import SheetRow
from cages.models import Cage, Places
from cages.models.allowance import allowances_of
from cages.models.fields import FIELDS, NAMES, YES, cells_of
from cages.models.inhabitants import why_they_stay
from cages.models.labs import set_labs
from neurocage.ids import LARGEST_TYPED_ID, id_from
from people.access import Access, Permission
from people.models import User
from people.names import key_of

KEPT_IF_EMPTY = {field.name for field in FIELDS if field.is_kept_if_empty}


@dataclass(slots=True)
class PlannedRow:
    """One row and what the import would do with it.

    stored: the Cage as it is, None for a new one; cage: as it would be, not for refused rows;
    changes: [(field, before, after)] as text; reason: why the row is refused, or empty;
    is_asking: whether it is refused only until the person answers (`questions`).
    """

    number: int
    cells: dict[str, str]
    stored: Cage | None = None
    cage: Cage = field(default_factory=Cage)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    reason: str = ""
    is_asking: bool = False

    @property
    def named_changes(self) -> list[tuple[str, str, str]]:
        """The changes, with the fields' names as a person reads them."""
        return [(column_name(name), before, after) for name, before, after in self.changes]

    @property
    def name(self) -> str:
        """The id and the label in the file."""
        return " · ".join(filter(None, (self.cells.get("id"), self.cells.get("label"))))


@dataclass(frozen=True, slots=True)
class Plan:
    """Every row of the file in one of four lists, each in the file's order."""

    new: list[PlannedRow]
    changed: list[PlannedRow]
    unchanged: list[PlannedRow]
    refused: list[PlannedRow]

    @property
    def is_asking(self) -> bool:
        """Whether rows are refused until the person says what their apostrophes are."""
        return any(row.is_asking for row in self.refused)

    @property
    def fingerprint(self) -> str:
        """A digest of everything that would be written. Equal for plans with the same effect."""
        what = [
            [(row.number, row.stored and row.stored.pk, row.changes) for row in rows]
            for rows in (self.new, self.changed)
        ]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def plan_of(
    rows: Iterable[SheetRow],
    person: User,
    lock: bool = False,
    answers: Collection[str] = frozenset(),
) -> Plan:
    """Return the Plan of these rows for this person; at most nine queries, however many rows.

    lock: within a transaction, hold every cage concerned until its end. answers: Answers.
    """
    planned = [
        PlannedRow(row.number, row.cells, reason=row.problem) for row in read_as(rows, answers)
    ]
    access = Access(person)
    _find_cages(_open(planned), access, lock)
    if Answer.GUARDED not in answers:
        _ask(_open(planned))
    owners = _owners_named(planned, access)
    forms = [(row, _judge(row, owners, access)) for row in _open(planned)]
    judged = [(row, form.cleaned_data) for row, form in forms if not row.reason]
    places = Places({(values["room"], values["rack"]) for _row, values in judged})
    for row, values in judged:
        place = places.find(values["room"], values["rack"])
        row.cage.stand_in(*place, values["row"], values["column"])
        _note_changes(row)
    _judge_labs(planned, access, lock)
    _judge_claims(planned)
    good = _open(planned)
    return Plan(
        new=[row for row in good if row.stored is None],
        changed=[row for row in good if row.stored and row.changes],
        unchanged=[row for row in good if row.stored and not row.changes],
        refused=[row for row in planned if row.reason],
    )


def _open(planned: Sequence[PlannedRow]) -> list[PlannedRow]:
    """The rows that are not refused so far."""
    return [row for row in planned if not row.reason]


def _find_cages(rows: Sequence[PlannedRow], access: Access, lock: bool) -> None:
    """Find the stored cage of each row by its id, or by label and owner if it has no id."""
    ids = {row.number: id_from(text) for row in rows if (text := row.cells.get("id"))}
    labels = {key_of(row.cells.get("label", "")) for row in rows if row.number not in ids}
    # An id may be that of a cage the person does not see, so the query is about all cages.
    by_name = Q(label_key__in=_askable(labels), archived_at=None)
    known = Q(pk__in=set(ids.values()) - {None}) | by_name
    cages = Cage.objects.filter(known).select_related("owner", "room", "rack").order_by("pk")
    if lock:
        cages = cages.select_for_update(of=("self",))
    by_id = {cage.pk: cage for cage in cages}
    by_label: dict[str, list[Cage]] = {}
    for cage in by_id.values():
        if not cage.is_archived and access.may_change(cage):
            by_label.setdefault(cage.label_key, []).append(cage)
    seen: dict[object, int] = {}
    key: object
    for row in rows:
        if row.number in ids:
            _find_by_id(row, ids[row.number], by_id, access)
            key = ids[row.number]
        else:
            label = key_of(row.cells.get("label", ""))
            _find_by_label(row, by_label.get(label, []))
            owner = row.cells.get("owner") or access.person.get_username()
            key = row.stored.pk if row.stored else (label, owner)
        if row.reason:
            continue
        if key in seen:
            row.reason = _("Row %(row)d is for the same cage.") % {"row": seen[key]}
        else:
            seen[key] = row.number


def _find_by_id(
    row: PlannedRow, number: int | None, by_id: dict[int, Cage], access: Access
) -> None:
    cage = by_id.get(number or 0)
    if number is None or number < 1 or (cage is None and number > LARGEST_TYPED_ID):
        row.reason = _("The id must be a whole number from 1 to %(largest)d.") % {
            "largest": LARGEST_TYPED_ID
        }
    elif cage is not None and not access.may_change(cage):
        row.reason = _(
            "Cage %(id)s exists already. It may be archived or belong to somebody else."
        ) % {"id": number}
    elif cage is not None and cage.is_archived:
        row.reason = _("Cage %(id)d is archived. Restore it first.") % {"id": number}
    else:
        row.stored = cage


def _find_by_label(row: PlannedRow, cages: Sequence[Cage]) -> None:
    owner = row.cells.get("owner")
    found = [cage for cage in cages if not owner or cage.owner.get_username() == owner]
    if len(found) > 1:
        row.reason = _("%(count)d cages have this label. Enter the id.") % {"count": len(found)}
    elif found:
        row.stored = found[0]
        # The labels read the same, so the stored one is kept.
        row.cells = {**row.cells, "label": row.stored.label}


def _ask(rows: Sequence[PlannedRow]) -> None:
    """Refuse rows with an apostrophe that no cage has, until the person says what it is."""
    for row in rows:
        stored = cells_of(row.stored) if row.stored else {}
        guarded = {
            name: text
            for name, text in guarded_in(row.cells).items()
            if not _is_same_text(text, stored.get(name, ""))
        }
        if guarded:
            row.reason = question_of(guarded)
            row.is_asking = True


def _is_same_text(one: str, other: str) -> bool:
    """Browsers and spreadsheets break lines with other characters."""
    return one.splitlines() == other.splitlines()


def _owners_named(planned: list[PlannedRow], access: Access) -> dict[str, User]:
    """{username: person} of the people in the file whom this person may name as owners."""
    if not access.may(Permission.OWNERS):
        return {access.person.get_username(): access.person}
    names = _askable(row.cells.get("owner", "") for row in planned)
    people = User.objects.active().filter(username__in=names)
    return {one.get_username(): one for one in people}


def _askable(texts: Iterable[str]) -> set[str]:
    """Return the texts to search for. PostgreSQL refuses NUL characters in text."""
    return {text for text in texts if text and "\x00" not in text}


def _judge(row: PlannedRow, owners: dict[str, User], access: Access) -> RowForm:
    """Set the row's cage (except its place), or the reason why the row is refused."""
    before = cells_of(row.stored) if row.stored else {"is_polled": YES}
    given = {
        name: cell
        for name, cell in row.cells.items()
        if name in NAMES and (cell or name not in KEPT_IF_EMPTY)
    }
    if "notes" in before and _is_same_text(given.get("notes", ""), before["notes"]):
        given["notes"] = before["notes"]
    form = RowForm({**before, **given}, copy.copy(row.stored) or Cage())
    row.cage = form.cage
    # First: the form would say less of a date.
    row.reason = dates_in(given) or ("" if form.is_valid() else form.reasons())
    if row.reason:
        return form
    owner = given.get("owner")
    if owner is None:
        if row.stored is None:
            row.cage.owner = access.person
    elif owner in owners:
        row.cage.owner = owners[owner]
    elif row.stored is None or row.stored.owner.get_username() != owner:
        words = (
            _("There is no active account “%(name)s”.")
            if access.may(Permission.OWNERS)
            else _("Only facility staff can enter another person (“%(name)s”).")
        ) % {"name": owner[:150]}
        row.reason = f"{column_name('owner')}: {words}"
    if row.stored is None:
        row.cage.pk = id_from(row.cells.get("id", ""))
    return form


def _note_changes(row: PlannedRow) -> None:
    after = cells_of(row.cage)
    before = cells_of(row.stored) if row.stored else dict.fromkeys(NAMES, "")
    row.changes = [
        (name, before[name], after[name]) for name in NAMES if before[name] != after[name]
    ]


# A bay or a label, as the database compares them: no two active cages may share one.
Claim = tuple[str | int | None, ...]


def bay_claim(cage: Cage) -> Claim | None:
    if not (cage.rack and cage.bay_name):
        return None
    return ("bay", key_of(cage.room_name), key_of(cage.rack_name), cage.row, cage.column)


def label_claim(cage: Cage) -> Claim:
    """For cages with their lab (`set_labs`)."""
    return ("label", cage.lab_id, key_of(cage.label))


def _claims_of(cage: Cage) -> list[Claim]:
    return [claim for claim in (label_claim(cage), bay_claim(cage)) if claim]


def _judge_labs(planned: Sequence[PlannedRow], access: Access, lock: bool) -> None:
    """Give cages with a new owner that person's lab. Refuse those for which it has no place."""
    if not access.may_create:
        for row in _open(planned):
            if row.stored is None:
                row.reason = _("You may not create cages in your lab.")
    coming = [
        row
        for row in _open(planned)
        if row.stored is None or row.stored.owner_id != row.cage.owner_id
    ]
    set_labs(row.cage for row in coming)
    allowances = allowances_of({row.cage.lab_id for row in coming}, lock)
    for row in coming:
        allowance = allowances[row.cage.lab_id]
        if allowance.left:
            allowance.left -= 1
        else:
            row.reason = allowance.message
    going = {row.cage.pk: row for row in coming if not row.reason and row.cage.changes_lab}
    if going:
        stay = why_they_stay({pk: row.cage.lab_id for pk, row in going.items()})
        for pk, words in stay.items():
            going[pk].reason = words


def _judge_claims(planned: Sequence[PlannedRow]) -> None:
    """Refuse rows whose bay or label belongs to another cage after the import."""
    claims: dict[Claim, PlannedRow] = {}
    for row in _open(planned):
        mine = _claims_of(row.cage)
        if twice := next((claim for claim in mine if claim in claims), None):
            row.reason = _said_twice(row, twice, claims[twice])
        else:
            claims |= dict.fromkeys(mine, row)
    has = _standing(claims)
    # The second of two rows about one cage was refused already.
    row_of = {row.stored.pk: row for row in _open(planned) if row.stored}

    def other_with(claim: Claim, row: PlannedRow) -> Cage | None:
        """The other cage that has the claim and keeps it, if there is one."""
        other = has.get(claim)
        if other is None or (row.stored and row.stored.pk == other.pk):
            return None
        leaving = row_of.get(other.pk)
        if leaving and not leaving.reason and claim not in _claims_of(leaving.cage):
            return None
        return other

    # The cage of a refused row keeps its bay and label, which another row may have claimed.
    waiting = list({id(row): row for row in claims.values()}.values())[::-1]
    while waiting:
        row = waiting.pop()
        if row.reason:
            continue
        for claim in _claims_of(row.cage):
            if other := other_with(claim, row):
                is_label = claim[0] == "label"
                row.reason = other.label_taken_message if is_label else row.cage.bay_taken_message
                break
        if row.reason and row.stored:
            kept = (claims.get(claim) for claim in _claims_of(row.stored))
            waiting += [behind for behind in kept if behind and behind is not row]


def _standing(claims: Iterable[Claim]) -> dict[Claim, Cage]:
    """Return the active cages that have what is claimed; two queries."""
    labels = {claim[2] for claim in claims if claim[0] == "label"}
    racks = {claim[2] for claim in claims if claim[0] == "bay"}
    active = Cage.objects.active().order_by()
    named = active.filter(label_key__in=labels).only("label", "label_key", "lab")
    stand = active.filter(rack__key__in=racks).exclude(row="").exclude(column=None)
    stand = stand.with_place().only("row", "column", "label", "room__name", "rack__name")
    has: dict[Claim, Cage] = {label_claim(cage): cage for cage in named}
    return has | {claim: cage for cage in stand if (claim := bay_claim(cage))}


def _said_twice(row: PlannedRow, claim: Claim, first: PlannedRow) -> str:
    if claim[0] == "label":
        return _("It has the same label as row %(row)d.") % {"row": first.number}
    return _("Row %(row)d has the same bay %(bay)s of the same rack.") % {
        "bay": row.cage.bay_name,
        "row": first.number,
    }
