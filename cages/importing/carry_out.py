"""Write what a plan says, all of it or nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from cages.importing.plan import Plan, PlannedRow, plan_of
from cages.importing.sheet import SheetRow
from cages.models import Cage, CageEvent, EventKind, Places
from cages.models.fields import NAMES
from neurocage.ids import advance_ids

BATCH = 1000


class PlanChangedError(Exception):
    """The file would do something else by now than what was confirmed; nothing was written."""


@transaction.atomic
def carry_out(rows: Iterable[SheetRow], fingerprint: str, person: Any, now: datetime) -> Plan:
    """Import these SheetRows as confirmed and return the Plan that was carried out.

    Raises PlanChangedError, and IntegrityError where an id, a bay or a label was taken just now.
    """
    plan = plan_of(rows, person, lock=True)
    if plan.fingerprint != fingerprint:
        raise PlanChangedError
    Places.keep([row.cage for row in [*plan.changed, *plan.new]])
    _change(plan.changed, person, now)
    _create(plan.new, now)
    return plan


def _change(rows: Sequence[PlannedRow], person: Any, now: datetime) -> None:
    # Cages that change places would meet in a bay, so all of them step out first.
    moved = [row for row in rows if row.has_moved]
    leaving = Cage.objects.filter(pk__in=[row.stored.pk for row in moved])
    leaving.update(row="", column=None)
    # The same for labels. No label has a line break.
    renamed = Cage.objects.filter(pk__in=[row.stored.pk for row in rows if row.has_changed_label])
    renamed.update(label_key=Concat(Value("\n"), Cast("pk", CharField())))
    cages = [row.cage for row in rows]
    for cage in cages:
        cage.updated_at = now
    # In one statement a batch; bulk_update would take minutes for what this does in seconds.
    Cage.objects.bulk_create(
        cages,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*NAMES, "label_key", "lab", "updated_at"],
    )
    note = CageEvent.objects.note
    before = {row.stored.pk: row.stored.position_on_record for row in moved}
    note(EventKind.MOVED, [row.cage for row in moved], now, person, before)
    for kind, polled in ((EventKind.PAUSED, False), (EventKind.RESUMED, True)):
        turned = [row.cage for row in rows if row.cage.is_polled == polled != row.stored.is_polled]
        note(kind, turned, now, person)


def _create(rows: Sequence[PlannedRow], now: datetime) -> None:
    cages = [row.cage for row in rows]
    for cage in cages:
        cage.created_at = now
    numbered = [cage for cage in cages if cage.pk is not None]
    Cage.objects.bulk_create(numbered, batch_size=BATCH)
    if numbered:
        advance_ids(Cage)
    # After those that bring an id, so that none of these is given it.
    Cage.objects.bulk_create([cage for cage in cages if cage.pk is None], batch_size=BATCH)
