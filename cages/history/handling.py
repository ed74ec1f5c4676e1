"""The marks of cages in a window, and the minutes that handling may have disturbed.

A mark of a rack or a room counts for the cages that stood there when it began. Leaving minutes out
changes shares and never the record.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

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
    stays: dict[int, list[Stay]] = {cage_id: [] for cage_id in cages}
    for stay in Stay.objects.before(cages, window.end + around):
        stays[stay.cage_id].append(stay)
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
            there = [mark for mark in shared if _stood_there(stays[cage_id], mark)]
            if there:
                found[cage_id] = sorted(
                    found[cage_id] + there, key=lambda mark: (mark.starts_at, mark.pk)
                )
    return found


def _stood_there(stays: Sequence[Stay], mark: Mark) -> bool:
    if not stays:
        return False
    place = stays[max(bisect_right([stay.since for stay in stays], mark.starts_at) - 1, 0)]
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
    mask = bytearray(window.minutes)
    for mark in marks:
        if not mark.kind.is_handling:
            continue
        first = (slot_of(mark.starts_at) - around - window.start) // SLOT_LENGTH
        last = (slot_of(mark.ends_at) + around - window.start) // SLOT_LENGTH
        first, end = max(first, 0), min(last + 1, window.minutes)
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
    swaps = Mark.objects.valid().filter(cage=cage_id, kind__code=BuiltIn.SENSOR_SWAPPED)
    return (
        swaps.filter(ends_at__lte=now)
        .order_by("-ends_at")
        .values_list("ends_at", flat=True)
        .first()
    )
