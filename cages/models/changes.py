"""What people do to many cages at once. Each act leaves an event of each cage."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import transaction

from cages.models.event import CageEvent, EventKind
from cages.models.order import Ordered
from cages.models.place import Places

if TYPE_CHECKING:
    from cages.models.cage import Cage
    from people.models import User


class CageChanges(Ordered["Cage"]):
    """The acts. `person` is None where Neurocage itself acts."""

    def active(self) -> Self:
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        return self.exclude(archived_at=None)

    def polled(self) -> Self:
        return self.active().filter(is_polled=True)

    def with_place(self) -> Self:
        """The cages with their room and rack, which their `position` needs."""
        return self.select_related("room", "rack")

    def archive(self, now: datetime, person: "User | None" = None) -> int:
        """Archive the active cages among these; returns how many there were."""
        return self.active()._change({"archived_at": now}, EventKind.ARCHIVED, now, person)

    def pause(self, now: datetime, person: "User | None" = None) -> int:
        """Stop asking the polled cages among these; returns how many there were."""
        return self.polled()._change({"is_polled": False}, EventKind.PAUSED, now, person)

    def resume(self, now: datetime, person: "User | None" = None) -> int:
        """Ask the paused cages among these again; returns how many there were."""
        paused = self.active().filter(is_polled=False)
        return paused._change({"is_polled": True}, EventKind.RESUMED, now, person)

    @transaction.atomic
    def move(self, room: str, rack: str, now: datetime, person: "User | None" = None) -> int:
        """Move the active cages among these to a room or a rack; returns how many were elsewhere.

        room, rack: names. An empty room leaves each cage in its own room. Row and column are
        cleared, because nobody has said yet in which bay each of them stands.
        """
        cages = list(self.active()._locked().with_place())
        places = Places({(room or cage.room_name, rack) for cage in cages})
        moved: list[Cage] = []
        before = {}
        for cage in cages:
            target = places.find(room or cage.room_name, rack)
            if target != (cage.room, cage.rack):
                before[cage.pk] = cage.position_on_record
                cage.stand_in(*target)
                moved.append(cage)
        Places.keep(moved)
        for room_id, rack_id in {(cage.room_id, cage.rack_id) for cage in moved}:
            ids = [cage.pk for cage in moved if (cage.room_id, cage.rack_id) == (room_id, rack_id)]
            self.model.objects.filter(pk__in=ids).update(
                room=room_id, rack=rack_id, row="", column=None, updated_at=now
            )
        CageEvent.objects.note(EventKind.MOVED, moved, now, person, before)
        return len(moved)

    def _locked(self) -> "CageChanges":
        """The same cages, held until the transaction ends and always in the same order."""
        ids = self.order_by().values("pk")
        return self.model.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))

    @transaction.atomic
    def _change(
        self, fields: dict[str, Any], kind: EventKind, now: datetime, person: "User | None"
    ) -> int:
        cages = list(self._locked())
        ids = [cage.pk for cage in cages]
        self.model.objects.filter(pk__in=ids).update(**fields, updated_at=now)
        CageEvent.objects.note(kind, cages, now, person)
        return len(cages)
