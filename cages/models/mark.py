"""Marks: handling and other work at a cage, a rack or a room, as a person noted it."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.models.place import Rack, Room
from people.names import KeyField, SortField

LONGEST = timedelta(days=7)
KINDS_AT_MOST = 100


class BuiltIn(models.TextChoices):
    """The kinds that every facility has. A kind of its own has no code."""

    CAGE_CHANGE = "cage_change", gettext_lazy("Cage change")
    FOOD = "food", gettext_lazy("Food")
    WATER = "water", gettext_lazy("Water")
    HANDLING = "handling", gettext_lazy("Handling")
    PROCEDURE = "procedure", gettext_lazy("Procedure")
    WEIGHING = "weighing", gettext_lazy("Weighing")
    ROOM_WORKS = "room_works", gettext_lazy("Work in the room")
    SENSOR_SWAPPED = "sensor_swapped", gettext_lazy("Sensor swapped")


# Nobody disturbs the animals by it.
WITHOUT_ANIMALS = frozenset({BuiltIn.SENSOR_SWAPPED})
# One sensor belongs to one cage, so this is not noted of a rack or a room.
OF_A_CAGE = frozenset({BuiltIn.SENSOR_SWAPPED})
# Whoever did it at one cage saw its animals.
SEES_ANIMALS = frozenset(BuiltIn) - {BuiltIn.ROOM_WORKS, BuiltIn.SENSOR_SWAPPED}


class MarkKind(models.Model):
    """What can be noted. The built-in ones have a code, and words in each language.

    is_handling: its minutes can be left out, and it suppresses rules.
    """

    # NULL, because several kinds may have no code.
    code = models.SlugField(  # noqa: DJ001
        max_length=20, choices=BuiltIn.choices, null=True, unique=True, editable=False
    )
    name = models.CharField(gettext_lazy("Name"), max_length=40)
    key = KeyField(of="name", unique=True)
    sort_key = SortField(of="name")
    is_handling = models.BooleanField(gettext_lazy("disturbs the animals"), default=True)
    is_on = models.BooleanField(gettext_lazy("can be chosen"), default=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(BuiltIn(self.code).label) if self.code else self.name

    @property
    def word(self) -> str:
        """The name in exports and the API: the code, or the name of an own kind."""
        return self.code or self.name


class MarkQuerySet(models.QuerySet["Mark"]):
    def valid(self) -> Self:
        """Those that nobody withdrew."""
        return self.filter(withdrawn_at=None)

    def seeing(self) -> Self:
        """Those of a cage at which somebody saw its animals (`Mark.sees_animals`)."""
        return self.valid().filter(kind__code__in=sorted(SEES_ANIMALS), is_of_several=False)

    def overlapping(self, start: datetime, end: datetime) -> Self:
        """Those with a minute in common with the span."""
        # None is longer than LONGEST, so the index of starts finds them.
        return self.filter(starts_at__lt=end, starts_at__gte=start - LONGEST, ends_at__gte=start)

    def at(self, cages: Iterable[int], racks: Iterable[int], rooms: Iterable[int]) -> Self:
        """Those of these cages, racks and rooms."""
        return self.filter(
            Q(cage__in=list(cages)) | Q(rack__in=list(racks)) | Q(room__in=list(rooms))
        )

    def of_rack(self, rack: Rack) -> Self:
        """Those of the rack and of the cages that stand in it."""
        return self.filter(Q(rack=rack) | Q(cage__rack=rack))

    def of_room(self, room: Room) -> Self:
        """Those of the room, of its racks and of the cages that stand in it."""
        return self.filter(Q(room=room) | Q(rack__room=room) | Q(cage__room=room))

    def in_order(self) -> Self:
        return self.order_by("starts_at", "id")

    def with_names(self) -> Self:
        return self.select_related("kind", "cage", "rack", "room")


class Mark(models.Model):
    """Work from `starts_at` to `ends_at` at one cage, one rack or one room.

    `key` is made where the mark is noted, so that a mark which is sent twice is kept once. `by` is
    the name of the person and outlives the account. A corrected mark keeps its row, and the record
    of changes what it said before. A withdrawn one counts nowhere.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.ForeignKey(
        MarkKind, on_delete=models.PROTECT, related_name="marks", verbose_name=gettext_lazy("What")
    )
    cage = models.ForeignKey(
        "cages.Cage", on_delete=models.CASCADE, null=True, blank=True, related_name="marks"
    )
    rack = models.ForeignKey(
        "cages.Rack", on_delete=models.CASCADE, null=True, blank=True, related_name="marks"
    )
    room = models.ForeignKey(
        "cages.Room", on_delete=models.CASCADE, null=True, blank=True, related_name="marks"
    )
    starts_at = models.DateTimeField(gettext_lazy("Start"))
    ends_at = models.DateTimeField(gettext_lazy("End"))
    note = models.CharField(gettext_lazy("Note"), max_length=500, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    by = models.CharField(max_length=150)
    noted_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    # Of a cage: it was noted for several cages of its rack or room at once, so it says of none of
    # them that somebody saw its animals.
    is_of_several = models.BooleanField(
        gettext_lazy("For several cages at once"), default=False, db_default=False, editable=False
    )

    objects = MarkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cage__isnull=False, rack=None, room=None)
                | Q(cage=None, rack__isnull=False, room=None)
                | Q(cage=None, rack=None, room__isnull=False),
                name="cages_mark_at_one_place",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at"))
                & Q(ends_at__lte=F("starts_at") + models.Value(LONGEST)),
                name="cages_mark_ends_after_its_start",
            ),
        ]
        indexes = [
            models.Index(fields=["cage", "starts_at"], name="cages_mark_of_cage"),
            models.Index(fields=["rack", "starts_at"], name="cages_mark_of_rack"),
            models.Index(fields=["room", "starts_at"], name="cages_mark_of_room"),
            models.Index(fields=["starts_at"], name="cages_mark_start"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.place_name}"

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        super().clean_fields(exclude)
        start, end = self.starts_at, self.ends_at
        if start and end and not start <= end <= start + LONGEST:
            words = (
                _("The end is before the start.") if end < start else _("At most %(days)d days.")
            )
            raise ValidationError({"ends_at": words % {"days": LONGEST.days}})

    @property
    def sees_animals(self) -> bool:
        """Whether whoever did it saw the animals of the cage."""
        return self.kind.code in SEES_ANIMALS and not self.is_of_several

    @property
    def place(self) -> Any:
        """The cage, the rack or the room."""
        return self.cage or self.rack or self.room

    @property
    def place_name(self) -> str:
        return words_of(self.place)

    @property
    def lab_id(self) -> Any:
        """The lab of its cage; None for a rack or a room, which several labs share."""
        return self.cage.lab_id if self.cage else None


def words_of(place: Any) -> str:
    """A cage, a rack or a room in a few words: its label, "rack B", its name."""
    return _("rack %(rack)s") % {"rack": place} if isinstance(place, Rack) else str(place)
