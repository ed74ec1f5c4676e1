"""The rule "Place silent": sensors that fell silent together, in one place more than by chance.

It gives the largest place that explains them, so that one cause is one concern. A place of which
nobody answers is told of after one minute, if it is large enough for that.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma

from cages.history.chance import is_too_few, is_too_many
from welfare.rules import facts
from welfare.rules.parameters import PlaceSilent

# A larger place explains the silence if each of its parts (rooms, racks) has at least this part of
# the silent share of the whole. Else one of the parts explains it better.
EVEN_SHARE = 0.5
# A sensor fell silent together with others if it has not answered for at most so many times
# `within_minutes`. One that has been silent for longer has a cause of its own.
FELL_WITHIN = 3
# A place speaks again when less than this part of what was silent at the raising still is.
STILL_SILENT = 0.5


# Of cages that were asked: room, rack, and how many polls in a row they have not answered.
Asked = tuple[int | None, int | None, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A place of which `silent` of the `cages` that were asked are silent.

    fell: those of them that fell silent just now. minutes: so many polls in a row without an answer
    make a cage silent.
    """

    subject: str
    silent: int
    cages: int
    fell: int
    room_id: int | None = None
    rack_id: int | None = None
    minutes: int = 1

    @property
    def able(self) -> int:
        """The cages that could fall silent: all but those that were silent before."""
        return self.cages - self.silent + self.fell

    @property
    def share(self) -> float:
        return self.silent / self.cages

    @property
    def fell_share(self) -> float:
        return self.fell / max(self.able, 1)

    def holds(self, room_id: int | None, rack_id: int | None) -> bool:
        """Whether a cage that stands there stands in this place."""
        if self.rack_id is not None:
            return rack_id == self.rack_id
        return self.room_id is None or room_id == self.room_id


def tail_of_draw(found: int, drawn: int, marked: int, total: int) -> float:
    """The chance that `drawn` of `total` things hold at least `found` of the `marked` ones.

    It is the upper tail of the hypergeometric distribution.
    """

    def ways(count: int, of: int) -> float:
        return lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)

    whole = ways(drawn, total)
    first = max(found, drawn + marked - total, 0)
    return sum(
        exp(ways(k, marked) + ways(drawn - k, total - marked) - whole)
        for k in range(first, min(drawn, marked) + 1)
    )


def places_of(asked: Mapping[Asked, int], silent_after: int) -> dict[str, Place]:
    """{subject: its Place} of everything, all rooms and all racks with cages that were asked.

    asked: {Asked: how many cages}. silent_after: so many polls in a row without an answer make a
    cage silent.
    """
    counts: dict[tuple[int | None, int | None], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (room_id, rack_id, unanswered), cages in asked.items():
        count = counts[room_id, rack_id]
        count[1] += cages
        if unanswered >= silent_after:
            count[0] += cages
            if unanswered <= FELL_WITHIN * silent_after:
                count[2] += cages
    sums: dict[tuple[str, int | None, int | None], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (room_id, rack_id), count in counts.items():
        keys: list[tuple[str, int | None, int | None]] = [(facts.EVERYTHING, None, None)]
        if room_id is not None:
            keys.append((facts.room(room_id), room_id, None))
        if rack_id is not None:
            keys.append((facts.rack(rack_id), room_id, rack_id))
        for key in keys:
            sums[key] = [one + more for one, more in zip(sums[key], count, strict=True)]
    return {
        subject: Place(subject, silent, cages, fell, room_id, rack_id, silent_after)
        for (subject, room_id, rack_id), (silent, cages, fell) in sums.items()
    }


def silent_places(
    places: Mapping[str, Place], parameters: PlaceSilent, usual_share: float
) -> list[Place]:
    """The largest places that explain who is silent; none lies in another one.

    usual_share: of polls that the facility's sensors answer, from 0 to 1.
    """
    whole = places.get(facts.EVERYTHING)
    if whole is None or whole.fell < parameters.least_cages:
        return []
    probability = 10.0**-parameters.rarity
    rooms = [one for one in places.values() if one.room_id is not None and one.rack_id is None]
    racks = [one for one in places.values() if one.rack_id is not None]
    by_chance = (1 - usual_share) ** parameters.within_minutes
    if _is_even(whole, [*rooms, *racks], parameters) and is_too_many(
        whole.fell, whole.able, by_chance, probability
    ):
        return [whole]
    found = [
        room
        for room in rooms
        if _is_even(room, [rack for rack in racks if rack.room_id == room.room_id], parameters)
        and _is_clustered(room, whole, parameters, probability / len(rooms))
    ]
    taken = {room.room_id for room in found}
    rest = [rack for rack in racks if rack.room_id is None or rack.room_id not in taken]
    found += [
        rack for rack in rest if _is_clustered(rack, whole, parameters, probability / len(racks))
    ]
    return found


def wholly_silent(places: Mapping[str, Place], parameters: PlaceSilent) -> list[Place]:
    """The largest places of which nobody answered the last poll; none lies in another one.

    places: those of one poll in a row.
    """
    found = [
        place
        for place in places.values()
        if place.silent == place.cages and place.fell >= parameters.least_cages
    ]
    whole = [place for place in found if place.subject == facts.EVERYTHING]
    rooms = {place.room_id for place in found if place.rack_id is None}
    return whole or [
        place for place in found if place.rack_id is None or place.room_id not in rooms
    ]


def silent_at_once(
    wholly: Sequence[Place], places: Mapping[str, Place], usual_share: float
) -> list[Place]:
    """Those of the `wholly_silent` places that chance does not explain after one minute.

    None if the sensors elsewhere answer too seldom as well: the silence may still be spreading, and
    what it reaches is told when all of it is silent for long enough.
    """
    found = [
        place
        for place in wholly
        if is_too_few(0, place.fell, usual_share, _alike(place, places.values()))
    ]
    whole = places[facts.EVERYTHING]
    asked = whole.able - sum(place.able for place in wholly)
    answered = asked - (whole.fell - sum(place.fell for place in wholly))
    return [] if is_too_few(answered, asked, usual_share) else found


def is_over(
    place: Place | None, silent: int, cages: int, lasted: int, parameters: PlaceSilent
) -> bool:
    """Whether a place speaks again of which `silent` of the `cages` were silent at the raising.

    place: as it is now; None where none of its cages is asked any more. lasted: minutes since it
    began. One that was told of at once has to become silent by its polls in a row first.
    """
    if lasted < parameters.within_minutes:
        return False
    return place is None or place.share < STILL_SILENT * silent / max(cages, 1)


def _alike(place: Place, places: Iterable[Place]) -> int:
    """How many racks there are for a rack, and rooms for a room."""
    kind = place.room_id is None, place.rack_id is None
    return sum((one.room_id is None, one.rack_id is None) == kind for one in places)


def _is_even(whole: Place, parts: Sequence[Place], parameters: PlaceSilent) -> bool:
    """Whether all parts that are large enough to tell are about as silent as the whole."""
    large = [part for part in parts if part.able >= parameters.least_cages]
    return all(part.fell_share >= EVEN_SHARE * whole.fell_share for part in large)


def _is_clustered(place: Place, whole: Place, parameters: PlaceSilent, probability: float) -> bool:
    """Whether the silent ones are in this place more than chance allows."""
    if place.fell < parameters.least_cages or place.able == whole.able:
        return False
    return tail_of_draw(place.fell, place.able, whole.fell, whole.able) < probability
