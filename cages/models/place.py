"""Places: rooms, the racks in them, and the bays of a rack. Which cage stands where, cages say."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from people.names import KeyField, SortField, key_of

if TYPE_CHECKING:
    from cages.models.cage import Cage

# Rows and columns of the largest rack that is drawn.
LARGEST_GRID = 30
LARGEST_COLUMN = 999
NAME_LENGTH = 50
# Both Python and PostgreSQL read it. "$" is before a line break too in Python.
ROW_REGEX = r"^([A-Z]{1,2}|[1-9][0-9]{0,2})\Z"
ROW_PATTERN = RegexValidator(
    ROW_REGEX, _("A row is one or two letters or a number, as on the rack.")
)
Named = TypeVar("Named", "Room", "Rack")


def bay_row(text: str) -> str:
    """Return a row in its normal form: "B" for " b ", "7" for "07"."""
    row = unicodedata.normalize("NFKC", text).strip().upper()
    return row.lstrip("0") or "0" if re.fullmatch("[0-9]+", row) else row


@lru_cache(maxsize=2000)
def row_number(row: str) -> int:
    """Return which row it is, counted from the top: 2 for "B", 27 for "AA", 7 for "7"."""
    if row.isdigit():
        return int(row)
    number = 0
    for letter in row:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def row_label(number: int, is_number: bool) -> str:
    """Return the name of a row, counted from the top: "2", or "B" where rows have letters."""
    if is_number:
        return str(number)
    label = ""
    while number:
        number, letter = divmod(number - 1, 26)
        label = chr(ord("A") + letter) + label
    return label


def bay_name(row: str, column: int) -> str:
    """Return the name of a bay: "B-07"."""
    return f"{row}-{column:02d}"


class Room(models.Model):
    """A room. The name is as the first person wrote it, until somebody renames the room.

    A row stays when the last cage leaves, but nothing shows it any more.
    """

    name = models.CharField(_("Room"), max_length=NAME_LENGTH)
    key = KeyField(of="name", unique=True)
    sort_key = SortField(of="name")

    class Meta:
        ordering = ["sort_key", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_used(self) -> bool:
        """Whether a cage stands in it or ever stood there, archived cages included. One query."""
        return self.stays.exists()

    def namesakes(self, name: str) -> "models.QuerySet[Room]":
        """Return the other rooms whose name reads the same as this one; one at most."""
        return Room.objects.filter(key=key_of(name)).exclude(pk=self.pk)


class Rack(models.Model):
    """A rack. Without a size it is drawn as large as its cages need.

    A rack never goes to another room, so cages may keep the room beside the rack.
    """

    # Without a room where nobody has said in which room the rack stands.
    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, null=True, editable=False, related_name="racks"
    )
    name = models.CharField(_("Rack"), max_length=NAME_LENGTH)
    key = KeyField(of="name")
    sort_key = SortField(of="name")
    row_count = models.PositiveSmallIntegerField(
        _("rows"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LARGEST_GRID)],
    )
    column_count = models.PositiveSmallIntegerField(
        _("columns"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LARGEST_GRID)],
    )
    rows_are_numbers = models.BooleanField(_("rows have numbers, not letters"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room", "key"], nulls_distinct=False, name="cages_rack_one_per_name"
            ),
            models.CheckConstraint(
                condition=Q(row_count=None, column_count=None)
                | Q(row_count__isnull=False, column_count__isnull=False),
                name="cages_rack_size_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_size(self) -> bool:
        return self.row_count is not None

    @property
    def is_used(self) -> bool:
        """Whether a cage stands in it or ever stood there, archived cages included. One query."""
        return self.stays.exists()

    def namesakes(self, name: str) -> "models.QuerySet[Rack]":
        """Return the other racks of its room whose name reads the same; one at most."""
        return Rack.objects.filter(room=self.room_id, key=key_of(name)).exclude(pk=self.pk)


class Places:
    """Rooms and racks by their names. A new name gives a row that is not saved yet (`keep`).

    names: the (room, rack) that may be asked for, "" where none is named. Two queries.
    """

    def __init__(self, names: Collection[tuple[str, str]]) -> None:
        rooms = {key_of(room) for room, _rack in names} - {""}
        racks = {key_of(rack) for _room, rack in names} - {""}
        self._rooms = {room.key: room for room in Room.objects.filter(key__in=rooms)}
        self._racks: dict[tuple[str, str], Rack] = {}
        there = Q(room__in=self._rooms.values()) | Q(room=None)
        by_id = {room.pk: room for room in self._rooms.values()}
        for rack in Rack.objects.filter(there, key__in=racks):
            rack.room = by_id[rack.room_id] if rack.room_id else None
            self._racks[rack.room.key if rack.room else "", rack.key] = rack

    def find(self, room: str, rack: str = "") -> tuple[Room | None, Rack | None]:
        """Return the room and the rack with these names, None where none is named.

        The same names give the same objects, also while these are not saved.
        """
        room_key, rack_key = key_of(room), key_of(rack)
        room_row = self._rooms.setdefault(room_key, Room(name=room)) if room_key else None
        if not rack_key:
            return room_row, None
        new = Rack(room=room_row, name=rack)
        return room_row, self._racks.setdefault((room_key, rack_key), new)

    @staticmethod
    def keep(cages: "Iterable[Cage]") -> None:
        """Save the rooms and racks of these cages that are new. Two queries at most."""
        cages = [cage for cage in cages if cage.is_somewhere_new]
        _keep([cage.room for cage in cages if cage.room], Room, ["key"])
        _keep([cage.rack for cage in cages if cage.rack], Rack, ["room", "key"])
        for cage in cages:
            # Takes over the ids given just now.
            cage.stand_in(cage.room, cage.rack, cage.row, cage.column)


def _keep(rows: Iterable[Named], model: type[Named], unique_fields: list[str]) -> None:
    new = {id(row): row for row in rows if row.pk is None}
    if new:
        # Where somebody else saves the same name at this moment, theirs is taken. Always in the
        # same order, so that two people do not wait for each other.
        model.objects.bulk_create(
            sorted(new.values(), key=lambda row: key_of(row.name)),
            update_conflicts=True,
            unique_fields=unique_fields,
            update_fields=["key"],
        )
