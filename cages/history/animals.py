"""Which animals lived in a cage when, and which group a cage was of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.utils import timezone

from cages.history.window import DAY, Window, midnight_of
from cages.models import Animal, Housing

# What stands between the groups of one cage.
AND = " + "


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a window in which the same animals lived in a cage."""

    window: Window
    animals: tuple[Animal, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of its animals, each once, by name; empty where none is known.

        In any order of its animals, a mixture is the same one.
        """
        return tuple(sorted({one.group for one in self.animals if one.group}))

    @property
    def group(self) -> str:
        """The same as text, several joined by AND."""
        return AND.join(self.groups)


def stretches_of(cage_ids: Iterable[int], window: Window) -> dict[int, list[Stretch]]:
    """{cage id: the Stretches that fill the window, oldest first}; one query.

    Housing changes at midnight of the facility: nobody notes at which minute.
    """
    cages = list(cage_ids)
    housings: dict[int, list[Housing]] = {cage_id: [] for cage_id in cages}
    last = timezone.localtime(window.end).date() + DAY
    for housing in Housing.objects.of(cages).filter(since__lte=last):
        housings[housing.cage_id].append(housing)
    return {cage_id: _stretches(housings[cage_id], window) for cage_id in cages}


def _stretches(housings: list[Housing], window: Window) -> list[Stretch]:
    if not window.minutes:
        return []
    zone = timezone.get_default_timezone()
    dated: list[tuple[datetime, datetime | None, Animal]] = [
        (
            midnight_of(one.since, zone),
            midnight_of(one.until, zone) if one.until else None,
            one.animal,
        )
        for one in housings
    ]
    edges = {moment for start, end, _animal in dated for moment in (start, end) if moment}
    inside = sorted(edge for edge in edges if window.start < edge < window.end)
    found: list[Stretch] = []
    for start, end in pairwise([window.start, *inside, window.end]):
        animals = tuple(
            animal
            for since, until, animal in dated
            if since <= start and (until is None or start < until)
        )
        found.append(Stretch(Window(start, end), animals))
    return found
