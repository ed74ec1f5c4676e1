"""To which lab a cage belongs: one of its owner."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from people.models import Lab, Membership

if TYPE_CHECKING:
    from cages.models.cage import Cage


def set_labs(cages: Iterable["Cage"]) -> None:
    """Give each cage that is new, or has a new owner, a lab of its owner, without saving it.

    Where the new owner has a role in the present lab, the cage stays. Two queries at most.
    """
    cages = [cage for cage in cages if cage.lab_id is None or cage.owner_id != cage.owner_before]
    placed = [cage for cage in cages if cage.lab_id is not None]
    stays = set()
    if placed:
        people, in_labs = {cage.owner_id for cage in placed}, {cage.lab_id for cage in placed}
        members = Membership.objects.filter(person__in=people, lab__in=in_labs)
        stays = set(members.values_list("person", "lab"))
    cages = [cage for cage in cages if (cage.owner_id, cage.lab_id) not in stays]
    labs = Lab.objects.ids_by_person(cage.owner_id for cage in cages) if cages else {}
    for cage in cages:
        cage.lab_id = labs[cage.owner_id]
