"""Write everything in a plan, or nothing."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from cages.importing.plan import Plan, PlannedRow, label_claim, plan_of
from cages.importing.sheet import SheetRow
from cages.models import Cage, CageEvent, EventKind, Places
from cages.models.fields import DERIVED, NAMES
from cages.models.inhabitants import take_along
from neurocage.ids import advance_ids
from people.models import User

BATCH = 1000


class PlanChangedError(Exception):
    """The plan is no longer the one that was confirmed. Nothing was written."""


@transaction.atomic
def carry_out(
    rows: Iterable[SheetRow],
    fingerprint: str,
    person: User,
    now: datetime,
    answers: Collection[str] = frozenset(),
) -> Plan:
    """Import these SheetRows as confirmed and return the Plan that was carried out.

    answers: those under which the plan was confirmed.

    Raises PlanChangedError, and IntegrityError where an id, a bay or a label was taken just now.
    """
    plan = plan_of(rows, person, lock=True, answers=answers)
    if plan.fingerprint != fingerprint:
        raise PlanChangedError
    Places.keep([row.cage for row in [*plan.changed, *plan.new]])
    _change(plan.changed, person, now)
    _create(plan.new, now)
    return plan


def _change(rows: Sequence[PlannedRow], person: User, now: datetime) -> None:
    both = [(row.stored, row.cage) for row in rows if row.stored]
    moved = {old.pk: (old, new) for old, new in both if old.position != new.position}
    renamed = [old.pk for old, new in both if label_claim(old) != label_claim(new)]
    # Two cages may swap bays, and a bay holds one cage. So all leave their bays first.
    Cage.objects.filter(pk__in=moved).update(row="", column=None)
    # The same for labels. No label has a line break.
    unused = Concat(Value("\n"), Cast("pk", CharField()))
    Cage.objects.filter(pk__in=renamed).update(label_key=unused)
    cages = [row.cage for row in rows]
    for cage in cages:
        cage.updated_at = now
    if going := {cage.pk: cage.lab_id for cage in cages if cage.changes_lab}:
        take_along(going)
    # One statement for each batch takes seconds. bulk_update would take minutes.
    Cage.objects.bulk_create(
        cages,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*NAMES, *DERIVED, "lab", "updated_at"],
    )
    note = CageEvent.objects.note
    before = {pk: old.position_on_record for pk, (old, _new) in moved.items()}
    note(EventKind.MOVED, [new for _old, new in moved.values()], now, person, before)
    for kind, polled in ((EventKind.PAUSED, False), (EventKind.RESUMED, True)):
        turned = [new for old, new in both if new.is_polled == polled != old.is_polled]
        note(kind, turned, now, person)


def _create(rows: Sequence[PlannedRow], now: datetime) -> None:
    cages = [row.cage for row in rows]
    for cage in cages:
        cage.created_at = now
    numbered = [cage for cage in cages if cage.pk is not None]
    Cage.objects.bulk_create(numbered, batch_size=BATCH)
    if numbered:
        advance_ids(Cage)
    # Last, so that the database does not give one of them an id that the file names.
    Cage.objects.bulk_create([cage for cage in cages if cage.pk is None], batch_size=BATCH)
