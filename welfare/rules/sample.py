"""Some cages that stand for all of them, where reading all would take too long."""

from collections.abc import Sequence


def evenly(ids: Sequence[int], most: int) -> Sequence[int]:
    """At most so many of the ids, from all parts of the list; the same ones each time."""
    if len(ids) <= most:
        return ids
    return [ids[number * len(ids) // most] for number in range(most)]
