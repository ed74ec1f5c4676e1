"""What an import would do, row by row: new, changed, unchanged, or refused and why."""

import copy
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from cages.forms.cage import LARGEST_TYPED_ID
from cages.forms.importing import RowForm
from cages.importing.sheet import COLUMNS, SheetRow
from cages.models import Cage
from neurocage.ids import id_from
from people.access import Access, Permission
from people.models import User

# What a row may change, in the order of the file's columns.
FIELDS = tuple(name for name in COLUMNS if name != "id")
# What an empty cell leaves as it is; every other one is emptied.
KEPT_IF_EMPTY = ("owner", "is_polled")


@dataclass(slots=True)
class PlannedRow:
    """One row and what is to become of it.

    stored: the Cage as it is, None for a new one; cage: as it would be; changes: [(field, before,
    after)] as text; reason: why the row is refused, or empty.
    """

    number: int
    cells: dict[str, str]
    stored: Cage | None = None
    cage: Cage | None = None
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    reason: str = ""

    @property
    def has_moved(self):
        return self.stored is not None and self.stored.position != self.cage.position

    @property
    def name(self):
        """Which cage the row is about, as the file says it."""
        return " · ".join(filter(None, (self.cells.get("id"), self.cells.get("label"))))


@dataclass(frozen=True, slots=True)
class Plan:
    """Every row of the file in one of four lists, each in the file's order."""

    new: list[PlannedRow]
    changed: list[PlannedRow]
    unchanged: list[PlannedRow]
    refused: list[PlannedRow]

    @property
    def fingerprint(self):
        """The same for two plans that would do the same."""
        what = [
            [(row.number, row.stored and row.stored.pk, row.changes) for row in rows]
            for rows in (self.new, self.changed)
        ]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def plan_of(rows: Iterable[SheetRow], person: User, lock: bool = False) -> Plan:
    """The Plan of these SheetRows for this person; at most four queries, however many rows.

    lock: within a transaction, hold every cage concerned until its end.
    """
    planned = [PlannedRow(row.number, row.cells, reason=row.problem) for row in rows]
    access = Access(person)
    _find_cages(planned, access, lock)
    owners = _owners_named(planned, access)
    for row in planned:
        if not row.reason:
            _judge(row, owners, access)
    _judge_slots(planned)
    good = [row for row in planned if not row.reason]
    return Plan(
        new=[row for row in good if row.stored is None],
        changed=[row for row in good if row.stored and row.changes],
        unchanged=[row for row in good if row.stored and not row.changes],
        refused=[row for row in planned if row.reason],
    )


def _find_cages(planned: list[PlannedRow], access: Access, lock: bool) -> None:
    """Give each row the cage it is about: by its id, or by its label (and owner) if it has none."""
    ids, labels = {}, set()
    for row in planned:
        if row.reason:
            continue
        if text := row.cells.get("id"):
            ids[row.number] = id_from(text)
        else:
            labels.add(row.cells.get("label", ""))
    labels = _askable(labels)
    # Nobody may take up an id that is somebody else's, so all cages are looked at.
    known = Q(pk__in=set(ids.values()) - {None}) | Q(label__in=labels, archived_at=None)
    cages = Cage.objects.filter(known).select_related("owner").order_by("pk")
    if lock:
        cages = cages.select_for_update(of=("self",))
    by_id = {cage.pk: cage for cage in cages}
    by_label = {}
    for cage in by_id.values():
        if not cage.is_archived and access.may_change(cage):
            by_label.setdefault(cage.label, []).append(cage)
    seen = {}
    for row in planned:
        if row.reason:
            continue
        if row.number in ids:
            _find_by_id(row, ids[row.number], by_id, access)
            key = ids[row.number]
        else:
            label = row.cells.get("label", "")
            _find_by_label(row, by_label.get(label, []))
            key = row.stored.pk if row.stored else (label, _owner_name(row, access.person))
        if row.reason:
            continue
        if key in seen:
            row.reason = _("It is about the same cage as row %(row)d.") % {"row": seen[key]}
        else:
            seen[key] = row.number


def _find_by_id(
    row: PlannedRow, number: int | None, by_id: dict[int, Cage], access: Access
) -> None:
    cage = by_id.get(number)
    if number is None or number < 1 or (cage is None and number > LARGEST_TYPED_ID):
        row.reason = _("The id has to be a whole number from 1 to %(largest)d.") % {
            "largest": LARGEST_TYPED_ID
        }
    elif cage is not None and not access.may_change(cage):
        row.reason = _("There is a cage %(id)s already; it may be archived or somebody else's.") % {
            "id": number
        }
    elif cage is not None and cage.is_archived:
        row.reason = _("Cage %(id)d is archived. Restore it first.") % {"id": number}
    else:
        row.stored = cage


def _find_by_label(row, cages):
    owner = row.cells.get("owner")
    found = [cage for cage in cages if not owner or cage.owner.get_username() == owner]
    if len(found) > 1:
        row.reason = _("%(count)d cages have this label. Give the id.") % {"count": len(found)}
    elif found:
        row.stored = found[0]


def _owner_name(row: PlannedRow, person: User) -> str:
    return row.cells.get("owner") or person.get_username()


def _owners_named(planned: list[PlannedRow], access: Access) -> dict[str, User]:
    """{username: person} of the people in the file whom this person may name as owners."""
    if not access.may(Permission.OWNERS):
        return {access.person.get_username(): access.person}
    names = _askable(row.cells.get("owner", "") for row in planned)
    people = User.objects.active().filter(username__in=names)
    return {one.get_username(): one for one in people}


def _askable(texts):
    """Those that something in the database may be called: PostgreSQL takes no text with a NUL."""
    return {text for text in texts if text and "\x00" not in text}


def _judge(row: PlannedRow, owners: dict[str, User], access: Access) -> None:
    """Fill in the row's cage and its changes, or the reason why not."""
    before = _cells_of(row.stored) if row.stored else {"is_polled": "yes"}
    given = {
        name: cell
        for name, cell in row.cells.items()
        if name in FIELDS and (cell or name not in KEPT_IF_EMPTY)
    }
    form = RowForm({**before, **given}, instance=copy.copy(row.stored))
    if not form.is_valid():
        row.reason = " ".join(
            f"{name}: {' '.join(errors)}" if name in FIELDS else " ".join(errors)
            for name, errors in form.errors.items()
        )
        return
    row.cage = form.instance
    owner = given.get("owner")
    if owner is None:
        if row.stored is None:
            row.cage.owner = access.person
    elif owner in owners:
        row.cage.owner = owners[owner]
    elif row.stored is None or row.stored.owner.get_username() != owner:
        row.reason = (
            _("owner: Nobody who can sign in is called “%(name)s”.")
            if access.may(Permission.OWNERS)
            else _("owner: Only facility staff can name somebody else (“%(name)s”).")
        ) % {"name": owner[:150]}
        return
    if row.stored is None:
        row.cage.pk = id_from(row.cells.get("id", ""))
    after = _cells_of(row.cage)
    row.changes = [
        (name, before.get(name, ""), after[name])
        for name in FIELDS
        if (row.stored is None and after[name]) or (row.stored and before[name] != after[name])
    ]


def _cells_of(cage):
    """The cage as a row of a file would say it: {field: text}."""
    texts = {name: getattr(cage, name) for name in FIELDS}
    texts["owner"] = cage.owner.get_username()
    texts["is_polled"] = "yes" if cage.is_polled else "no"
    return {name: "" if value is None else str(value) for name, value in texts.items()}


def _slot_of(cage):
    """What no two active cages may share, as the database sees it; None for a cage without."""
    if not (cage.rack and cage.slot_name):
        return None
    return (cage.room.lower(), cage.rack.lower(), cage.row, cage.column)


def _judge_slots(planned):
    """Refuse who would stand where another cage stands, or comes to stand, after the import."""
    claims = {}
    for row in planned:
        slot = None if row.reason else _slot_of(row.cage)
        if slot is None:
            continue
        if slot in claims:
            row.reason = _("It goes to %(slot)s of the same rack as row %(row)d.") % {
                "slot": row.cage.slot_name,
                "row": claims[slot].number,
            }
        else:
            claims[slot] = row
    racks = {slot[1] for slot in claims}
    standing = Cage.objects.active().exclude(row="").exclude(column=None)
    standing = standing.annotate(rack_key=Lower("rack")).filter(rack_key__in=racks)
    places = standing.values_list(Lower("room"), "rack_key", "row", "column", "pk").order_by()
    stands = {tuple(place): pk for *place, pk in places}
    # Of two rows about one cage the second is refused by now, and says nothing of where it goes.
    row_of = {row.stored.pk: row for row in planned if row.stored and not row.reason}

    def is_free_for(row):
        slot = _slot_of(row.cage)
        other = stands.get(slot)
        if other is None or (row.stored and row.stored.pk == other):
            return True
        leaving = row_of.get(other)
        return leaving is not None and not leaving.reason and _slot_of(leaving.cage) != slot

    # A refused row leaves its cage where it is, and that may be where another row wanted to go.
    waiting = list(reversed(claims.values()))
    while waiting:
        row = waiting.pop()
        if row.reason or is_free_for(row):
            continue
        row.reason = row.cage.slot_taken_message
        behind = claims.get(row.stored and _slot_of(row.stored))
        if behind is not None and behind is not row:
            waiting.append(behind)
