"""Racks as they stand: which there are, and what stands where in one of them.

A rack is what cages name. Room and rack are free text, so they are compared whatever their case.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Case, Min, Q, Value, When
from django.db.models.functions import Lower

from cages.filters import COUNTS, STATES
from cages.models import Cage, Condition, Rack
from cages.models.rack import LARGEST_GRID, row_label, row_number, slot_name
from people.access import Access


@dataclass(frozen=True, slots=True)
class RackSummary:
    """How the cages of one rack are. Without a name: those of the room that name no rack."""

    room: str
    name: str
    # Worst first, without conditions that no cage is in.
    counts: dict[Condition, int]

    @property
    def cage_count(self):
        return sum(self.counts.values())

    @property
    def query(self):
        """Its part of an address."""
        return query_of(self.room, self.name)


@dataclass(frozen=True, slots=True)
class Room:
    name: str
    racks: list[RackSummary]

    @property
    def counts(self):
        return _in_order(sum((Counter(rack.counts) for rack in self.racks), Counter()))

    @property
    def cage_count(self):
        return sum(rack.cage_count for rack in self.racks)

    @property
    def query(self):
        return urlencode({"room": self.name})


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a rack: a cage, or taken by one that the person may not see, or empty."""

    row: str
    column: int
    cage: Cage | None = None
    condition: Condition | None = None
    is_taken: bool = False

    @property
    def name(self):
        return slot_name(self.row, self.column)

    @property
    def is_empty(self):
        return self.cage is None and not self.is_taken

    @property
    def query(self):
        """What fills the form that moves a cage here, after the rack's own part."""
        return urlencode({"row": self.row, "column": self.column})


@dataclass(frozen=True, slots=True)
class Grid:
    """One rack in its physical order, and beside it the cages that have no slot of their own."""

    room: str
    name: str
    size: Rack | None
    columns: range
    rows: list[tuple[str, list[Slot]]]
    # [(Cage, Condition)]
    beside: list[tuple[Cage, Condition]]
    used: frozenset[tuple[str, int]]

    @property
    def query(self):
        return query_of(self.room, self.name)

    @property
    def counts(self):
        """{condition: how many cages}, worst first."""
        slots = (slot.condition for _label, row in self.rows for slot in row if slot.cage)
        return _in_order(Counter([*slots, *(condition for _cage, condition in self.beside)]))

    @property
    def cage_count(self):
        return sum(self.counts.values())

    @property
    def is_numbered(self):
        """Whether its rows have numbers: as the rack's size says, else as most of its cages do."""
        return _is_numbered(self.used, self.size)

    @property
    def extent(self):
        """(rows, columns) as far as they are counted; rows named in the other way come after."""
        counted = [label for label, _row in self.rows if label.isdigit() == self.is_numbered]
        return len(counted), len(self.columns)

    def slot_at(self, row, column):
        """The Slot named like this, or None."""
        slots = (slot for _label, slots in self.rows for slot in slots)
        return next((slot for slot in slots if (slot.row, str(slot.column)) == (row, column)), None)


def query_of(room, rack):
    return urlencode({"room": room, "rack": rack})


def rooms_of(cages, now):
    """[Room] of the cages, each with its racks, by name; one query."""
    rows = (
        cages.with_rank(now)
        .order_by()
        .annotate(room_key=Lower("room"), rack_key=Lower("rack"))
        .values("room_key", "rack_key")
        # Of several spellings one is shown.
        .annotate(room_name=Min("room"), rack_name=Min("rack"), **COUNTS)
    )
    rooms = {}
    for row in sorted(rows, key=lambda row: _by_nature(row["rack_key"])):
        counts = {state: row[state.value] for state in STATES if row[state.value]}
        rack = RackSummary(row["room_name"], row["rack_name"], counts)
        rooms.setdefault(row["room_key"], []).append(rack)
    return [Room(racks[0].room, racks) for _key, racks in sorted(rooms.items(), key=_room_order)]


def find(access: Access, room: str, name: str, now: datetime) -> Grid | None:
    """The Grid of a rack, or None if the person sees no cage in it.

    Of cages that the person may not see it tells only the slots that they take. Two queries for
    people who see every cage, else three.
    """
    if not name:
        return None
    everything = Cage.objects.active().filter(room__iexact=room, rack__iexact=name)
    seen = access.sees(everything).select_related("owner", "state")
    cages = list(seen.order_by(Lower("label"), "id"))
    if not cages:
        return None
    size = Rack.objects.filter(room__iexact=room, name__iexact=name).first()
    others = access.sees_not(everything).exclude(row="").exclude(column=None)
    taken = others.values_list("row", "column")
    return grid_of(cages, taken, size, now)


def grid_of(cages, taken, size, now):
    """cages: of one rack, at least one; taken: [(row, column)] of others; size: Rack or None."""
    stands, beside = {}, []
    for cage in cages:
        place = _place_of(cage.row, cage.column)
        # "7" and "07" are two names to the database, and one row to whoever stands before it.
        if place is None or place in stands:
            beside.append((cage, cage.condition(now)))
        else:
            stands[place] = cage
    hidden = {_place_of(row, column) for row, column in taken} - {None}
    used = frozenset(stands.keys() | hidden)
    numbered = _is_numbered(used, size)
    row_count, column_count = extent_of(used, numbered)
    if size:
        row_count, column_count = (
            max(row_count, size.row_count),
            max(column_count, size.column_count),
        )
    labels = [row_label(number, numbered) for number in range(1, row_count + 1)]
    odd = {row for row, _column in used} - set(labels)
    columns = range(1, column_count + 1)

    def slot(row, column):
        cage = stands.get((row, column))
        condition = cage and cage.condition(now)
        is_taken = cage is None and (row, column) in hidden
        return Slot(row, column, cage, condition, is_taken)

    return Grid(
        room=cages[0].room,
        name=cages[0].rack,
        size=size,
        columns=columns,
        rows=[
            (label, [slot(label, column) for column in columns])
            for label in [*labels, *sorted(odd, key=row_number)]
        ],
        beside=beside,
        used=used,
    )


def extent_of(used, numbered):
    """(rows, columns) that these slots need at least, where rows have numbers, or have not."""
    rows = (row_number(row) for row, _column in used if row.isdigit() == numbered)
    return max(rows, default=0), max((column for _row, column in used), default=0)


def nearest_first(cages, room, rack):
    """Those of this rack that have no slot yet, the others of the rack, of the room, the rest."""
    here = Q(room__iexact=room, rack__iexact=rack)
    nearness = Case(
        When(here & (Q(row="") | Q(column=None)), then=0),
        When(here, then=1),
        When(room__iexact=room, then=2),
        default=Value(3),
    )
    return cages.alias(nearness=nearness).order_by("nearness", Lower("label"), "id")


def _place_of(row, column):
    """(row as the grid names it, column), or None where the grid has no such place."""
    if not row or not column or column > LARGEST_GRID:
        return None
    number = row_number(row)
    return (row_label(number, row.isdigit()), column) if 1 <= number <= LARGEST_GRID else None


def _is_numbered(used, size):
    if size:
        return size.rows_are_numbers
    numbers = sum(row.isdigit() for row, _column in used)
    return numbers > len(used) - numbers


def _in_order(counts):
    return {state: counts[state] for state in STATES if counts[state]}


def _by_nature(text):
    """So that "R2" comes before "R10"."""
    parts = re.split("([0-9]+)", text)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


def _room_order(item):
    # Cages that name no room come last: they are not a place to go to.
    key, _racks = item
    return (not key, _by_nature(key))
