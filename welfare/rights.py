"""What a person may do with one concern. `people.access` decides; here is of which rows.

A concern of a cage: the cage. Of a place: all active cages in it, as taking care of it silences it
for all of them; whoever takes care of one may comment. Of Neurocage itself and of all places
together: whoever sees the operations page. A drill: whoever could be asked to take care of some
cage.
"""

from dataclasses import dataclass

from cages.models import Cage
from cages.models.cage import CageQuerySet
from people.access import Access, Permission
from welfare.models import Concern

# The subject of a concern about all places.
EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Rights:
    """What is allowed. finds: may also close."""

    comments: bool
    acknowledges: bool
    finds: bool


def rights_in(access: Access, concern: Concern) -> Rights:
    """What the person, who sees the concern, may do with it. One query at most."""
    if access.may(Permission.OPERATIONS):
        return Rights(True, True, True)
    if concern.is_drill:
        takes_part = access.may(Permission.DUTY) or _acknowledges_any(access)
        return Rights(takes_part, takes_part, False)
    cages = _cages_of(concern)
    if cages is None:
        return Rights(False, False, False)
    held = access.counts(cages, "acknowledge", "find")
    comments = held["acknowledge"] > 0
    if concern.subject == EVERYTHING:
        return Rights(comments, False, False)
    least = max(held["all"], 1)
    acknowledges = held["acknowledge"] >= least
    return Rights(comments, acknowledges, acknowledges and held["find"] >= least)


def _acknowledges_any(access: Access) -> bool:
    return access.acknowledges(Cage.objects.active()).exists()


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
