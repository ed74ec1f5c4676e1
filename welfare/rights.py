"""What a person may do with one concern. `people.access` decides; here is of which rows.

A concern of a cage: the cage. Of a place: the cages in it. Of Neurocage itself: nobody's cages, so
whoever sees the operations page. A drill: whoever could be asked to take care of some cage.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cages.models import Cage
from cages.models.cage import CageQuerySet
from people.access import Access, Permission
from welfare.models import Concern

# The subject of a concern about all places.
EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Rights:
    """acknowledges: may also comment. finds: may also close."""

    acknowledges: bool
    finds: bool


def rights_in(access: Access, concern: Concern) -> Rights:
    """What the person, who sees the concern, may do with it. Two queries at most."""
    if concern.is_drill:
        runs_it = access.may(Permission.OPERATIONS)
        takes_part = runs_it or access.may(Permission.DUTY)
        return Rights(takes_part or _holds_any(access.acknowledges, Cage.objects.active()), runs_it)
    cages = _cages_of(concern)
    if cages is None:
        allowed = access.may(Permission.OPERATIONS)
        return Rights(allowed, allowed)
    acknowledges = _holds_any(access.acknowledges, cages)
    return Rights(acknowledges, acknowledges and _holds_any(access.finds, cages))


def _cages_of(concern: Concern) -> CageQuerySet | None:
    """The cages that it is about; None for Neurocage itself and for a place that is gone."""
    if concern.cage_id:
        return Cage.objects.filter(pk=concern.cage_id)
    active = Cage.objects.active()
    if concern.rack_id:
        return active.filter(rack=concern.rack_id)
    if concern.room_id:
        return active.filter(room=concern.room_id)
    return active if concern.subject == EVERYTHING else None


def _holds_any(verb: Callable[[CageQuerySet], CageQuerySet], cages: CageQuerySet) -> bool:
    return verb(cages).exists()
