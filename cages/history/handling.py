"""The marks of cages in a window, and the minutes that handling may have disturbed.

A mark of a rack or a room counts for the cages that stood there when it began. Leaving minutes out
changes shares and never the record.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Max, Q

from cages.history.summaries import HealthSummary, health_of
from cages.history.window import Window
from cages.models import Mark, Stay
from cages.models.mark import BuiltIn
from cages.slots import SLOT_LENGTH, slot_of

# {cage id: its marks, in order of their starts}
Marks = dict[int, list[Mark]]


def margin() -> timedelta:
    """How long before and after handling its traces last in the data (HANDLING_MARGIN_MINUTES)."""
    return timedelta(minutes=settings.HANDLING_MARGIN_MINUTES)


def marks_of(cage_ids: Iterable[int], window: Window, around: timedelta = timedelta()) -> Marks:
    """{cage id: valid marks with a minute in the window or `around` it}; two queries."""
    cages = list(cage_ids)
    found: Marks = {cage_id: [] for cage_id in cages}
    if not cages:
        return found
    stays = _by_cage(Stay.objects.before(cages, window.end + around))
    every = [stay for each in stays.values() for stay in each]
    racks, rooms = ({getattr(s, name) for s in every} - {None} for name in ("rack_id", "room_id"))
    marks = Mark.objects.valid().overlapping(window.start - around, window.end + around)
    shared: list[Mark] = []
    for mark in marks.at(cages, racks, rooms).with_names().in_order():
        if mark.cage_id in found:
            found[mark.cage_id].append(mark)
        else:
            shared.append(mark)
    if shared:
        for cage_id in cages:
            there = [mark for mark in shared if _stood_there(stays.get(cage_id, ()), mark)]
            if there:
                found[cage_id] = sorted(
                    found[cage_id] + there, key=lambda mark: (mark.starts_at, mark.pk)
                )
    return found


class Noted(NamedTuple):
    """A mark of handling as it counted for whoever judged a slot: noted, and not yet withdrawn."""

    cage_id: int | None
    rack_id: int | None
    room_id: int | None
    starts_at: datetime
    ends_at: datetime
    noted_at: datetime
    withdrawn_at: datetime | None


def noted_handling(
    window: Window, around: timedelta, cage_ids: Collection[int] | None = None
) -> dict[int, list[Noted]]:
    """{cage id: the handling in the window or at most `around` before it}, without other cages.

    Marks that were withdrawn after the window began are among them. cage_ids: None for all cages.
    One query, and another one where there are marks of racks or rooms. It makes no model instances,
    as there are tens of thousands of marks in months.
    """
    counted = Q(withdrawn_at=None) | Q(withdrawn_at__gte=window.start)
    marks = Mark.objects.filter(counted, kind__is_handling=True, noted_at__lt=window.end)
    marks = marks.overlapping(window.start - around, window.end)
    found: dict[int, list[Noted]] = {}
    shared: list[Noted] = []
    for row in marks.order_by().values_list(*Noted._fields):
        mark = Noted(*row)
        if mark.cage_id is None:
            shared.append(mark)
        elif cage_ids is None or mark.cage_id in cage_ids:
            found.setdefault(mark.cage_id, []).append(mark)
    if shared:
        racks, rooms = ({getattr(m, name) for m in shared} - {None} for name in Noted._fields[1:3])
        stays = Stay.objects.of_cages_at(racks, rooms).filter(since__lt=window.end)
        for cage_id, of_cage in _by_cage(stays).items():
            if cage_ids is None or cage_id in cage_ids:
                there = [mark for mark in shared if _stood_there(of_cage, mark)]
                if there:
                    found.setdefault(cage_id, []).extend(there)
    return found


def _by_cage(stays: Iterable[Stay]) -> dict[int, list[Stay]]:
    found: dict[int, list[Stay]] = defaultdict(list)
    for stay in stays:
        found[stay.cage_id].append(stay)
    return found


def _stood_there(stays: Sequence[Stay], mark: Mark | Noted) -> bool:
    if not stays:
        return False
    last = bisect_right([stay.since for stay in stays], mark.starts_at) - 1
    # It was not there yet, unless it was made in the minute of the mark.
    if last < 0 and mark.starts_at < slot_of(stays[0].since):
        return False
    place = stays[max(last, 0)]
    if mark.rack_id:
        return place.rack_id == mark.rack_id
    return place.room_id == mark.room_id


def is_handled(marks: Sequence[Mark], slot: datetime, around: timedelta = timedelta()) -> bool:
    """Whether one of the marks disturbs the animals in this slot."""
    return any(
        mark.kind.is_handling
        and slot_of(mark.starts_at) - around <= slot <= slot_of(mark.ends_at) + around
        for mark in marks
    )


def disturbed(marks: Sequence[Mark], window: Window, around: timedelta) -> bytes:
    """One byte for each slot of the window: 1 inside handling or `around` it, else 0."""
    spans = (
        (slot_of(mark.starts_at) - around, slot_of(mark.ends_at) + around)
        for mark in marks
        if mark.kind.is_handling
    )
    return mask_of(spans, window)


def mask_of(spans: Iterable[tuple[datetime, datetime]], window: Window) -> bytes:
    """One byte for each slot of the window: 1 in a span, else 0.

    spans: (first slot, last slot), both included, in any order. One that ends before it begins is
    none.
    """
    mask = bytearray(window.minutes)
    for begin, last in spans:
        first = max((begin - window.start) // SLOT_LENGTH, 0)
        end = min((last - window.start) // SLOT_LENGTH + 1, window.minutes)
        if first < end:
            mask[first:end] = b"\1" * (end - first)
    return bytes(mask)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """minutes: those that are kept, in order. left_out: how many are not."""

    minutes: bytes
    left_out: int

    @property
    def health(self) -> HealthSummary:
        return health_of(self.minutes)


def without(minutes: bytes, mask: bytes) -> LeftOut:
    """These minutes without those that the mask (`disturbed`) names."""
    kept = bytes(code for code, is_out in zip(minutes, mask, strict=True) if not is_out)
    return LeftOut(kept, len(minutes) - len(kept))


def sensor_since(cage_id: int, now: datetime) -> datetime | None:
    """When the sensor of the cage was last swapped, or None where nobody noted it. One query."""
    return sensors_since([cage_id], now).get(cage_id)


def sensors_since(cage_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """{cage id: when its sensor was last swapped}, without cages of which nobody noted it.

    One query.
    """
    swaps = Mark.objects.valid().filter(cage__in=cage_ids, kind__code=BuiltIn.SENSOR_SWAPPED)
    last = swaps.filter(ends_at__lte=now).order_by().values("cage").annotate(last=Max("ends_at"))
    return dict(last.values_list("cage", "last"))
