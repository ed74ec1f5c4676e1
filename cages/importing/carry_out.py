"""Write what a plan says, all of it or nothing."""

from django.db import transaction

from cages.importing.plan import FIELDS, plan_of
from cages.models import Cage, CageEvent, EventKind
from neurocage.ids import advance_ids

BATCH = 1000


class PlanChangedError(Exception):
    """The file would do something else by now than what was confirmed; nothing was written."""


@transaction.atomic
def carry_out(rows, fingerprint, person, now):
    """Import these SheetRows as confirmed and return the Plan that was carried out.

    Raises PlanChangedError, and IntegrityError where an id or a slot was taken in this moment.
    """
    plan = plan_of(rows, person, lock=True)
    if plan.fingerprint != fingerprint:
        raise PlanChangedError
    _change(plan.changed, person, now)
    _create(plan.new, now)
    return plan


def _change(rows, person, now):
    # Cages that change places would meet in a slot, so all of them step out first.
    moved = [row for row in rows if row.has_moved]
    leaving = Cage.objects.filter(pk__in=[row.stored.pk for row in moved])
    leaving.update(row="", column=None)
    cages = [row.cage for row in rows]
    for cage in cages:
        cage.updated_at = now
    # In one statement a batch; bulk_update would take minutes for what this does in seconds.
    Cage.objects.bulk_create(
        cages,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*FIELDS, "lab", "updated_at"],
    )
    note = CageEvent.objects.note
    before = {row.stored.pk: row.stored.position_on_record for row in moved}
    note(EventKind.MOVED, [row.cage for row in moved], now, person, before)
    for kind, polled in ((EventKind.PAUSED, False), (EventKind.RESUMED, True)):
        turned = [row.cage for row in rows if row.cage.is_polled == polled != row.stored.is_polled]
        note(kind, turned, now, person)


def _create(rows, now):
    cages = [row.cage for row in rows]
    for cage in cages:
        cage.created_at = now
    numbered = [cage for cage in cages if cage.pk is not None]
    Cage.objects.bulk_create(numbered, batch_size=BATCH)
    if numbered:
        advance_ids(Cage)
    # After those that bring an id, so that none of these is given it.
    Cage.objects.bulk_create([cage for cage in cages if cage.pk is None], batch_size=BATCH)
