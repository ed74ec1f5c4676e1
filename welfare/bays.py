"""What a cage is called among others of its room: by its bay, as people say it there."""

from collections.abc import Iterable

from cages.models import Cage


def bays_of(cages: Iterable[Cage]) -> dict[int, str]:
    """{cage id: "B-07"}; "2-01 B-07" where the cages stand in more than one rack, as each rack has
    a B-07; the label of a cage in no bay.
    """
    some = list(cages)
    is_one_rack = len({cage.rack_id for cage in some if cage.bay_name}) <= 1
    return {
        cage.pk: (cage.bay_name if is_one_rack else rack_and_bay(cage)) or cage.label
        for cage in some
    }


def rack_and_bay(cage: Cage) -> str:
    """ "2-01 B-07", or empty for a cage in no bay."""
    return f"{cage.rack_name} {cage.bay_name}" if cage.bay_name else ""
