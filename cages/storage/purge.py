"""Purge: the final deletion of an archived cage, in steps short enough to disturb nobody."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from cages import storage
from cages.models import Cage, CageState, Poll, PollCycle
from people.acting import Acting, acting, current
from people.models import Change, Verb
from people.models.change import ChangeQuerySet

logger = logging.getLogger(__name__)

# At most 7 days of minutes a step: far below the 100,000 compressed rows that TimescaleDB unpacks
# in one statement.
STEP = timedelta(days=7)
SECONDS_BETWEEN_STEPS = 0.2
SECONDS_TO_WAIT_FOR_CYCLES = 30


def step(cage_id: int, now: datetime) -> float | None:
    """Delete one part of what is kept of the cage.

    Returns the seconds to wait before the next step, or None when nothing is left of the cage.
    Returns None and does nothing if no purge of this cage was ordered.
    """
    cage = Cage.objects.archived().filter(id=cage_id).exclude(purge_ordered_at=None).first()
    if cage is None:
        return None
    # A cycle that was planned with this cage may still bring its record. It began before the order,
    # though not always before archived_at: it may have been planned while that was being written.
    # One that is ahead of now brings none.
    if PollCycle.objects.until(now).open().filter(slot__lte=cage.purge_ordered_at).exists():
        return SECONDS_TO_WAIT_FOR_CYCLES
    with transaction.atomic():
        polls = Poll.objects.filter(cage=cage)
        oldest = polls.order_by("slot").values_list("slot", flat=True).first()
        if oldest is not None:
            polls.filter(slot__lt=oldest + STEP).delete()
            return SECONDS_BETWEEN_STEPS
        storage.forget(connection, cage.id)
        CageState.objects.filter(cage=cage).delete()
        with acting(_as_ordered(cage)):
            Cage.objects.filter(id=cage.id).delete()
    logger.warning("Cage %d was purged, as ordered at %s", cage_id, cage.purge_ordered_at)
    return None


def orders_of(cage_id: int) -> ChangeQuerySet:
    """What was noted of orders to purge this cage; it outlives the cage."""
    noted = Change.objects.of_row(Cage._meta.db_table, cage_id)
    return noted.filter(verb=Verb.CHANGED, after__has_key="purge_ordered_at")


def deletions_of(cage_id: int) -> ChangeQuerySet:
    """What was noted of deletions of cages with this id that somebody had ordered to purge."""
    noted = Change.objects.of_row(Cage._meta.db_table, cage_id)
    ordered = Exists(orders_of(cage_id).filter(pk__lt=OuterRef("pk")))
    return noted.filter(ordered, verb=Verb.DELETED)


def _as_ordered(cage: Cage) -> Acting:
    """The deletion is noted in the name of the person who ordered it, with their reason."""
    order = orders_of(cage.pk).newest_first().first()
    if order is None:
        return current()
    return replace(
        current(),
        who=lambda: (order.person_id, order.by),
        address=order.address,
        request=order.request,
        reason=order.reason,
    )
