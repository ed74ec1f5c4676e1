"""What people do to many cages at once. Each act leaves an event of each cage."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cages.models.allowance import allowances_of
from cages.models.event import CageEvent, EventKind
from cages.models.inhabitants import take_along
from cages.models.order import Ordered
from cages.models.place import Places

if TYPE_CHECKING:
    from cages.models.cage import Cage
    from people.models import Lab, User


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

    @transaction.atomic
    def join(self, lab: "Lab", now: datetime, person: "User | None" = None) -> int:
        """Give the active cages among these to a lab; returns how many were in another one.

        The animals that live in them go along. Raises ValidationError where the lab has no place
        left, where one of its cages has the same label, where an owner has no role in it, who would
        not see the cage any more, or where an animal cannot go along (`why_they_stay`).
        """
        allowance = allowances_of([lab.pk], lock=True)[lab.pk]
        cages = list(self.active()._locked().exclude(lab=lab.pk).select_related("lab"))
        if len(cages) > allowance.left:
            raise ValidationError(allowance.message, code="lab_is_full")
        there = self.model.objects.active().filter(lab=lab.pk)
        labels = set(there.values_list("label_key", flat=True))
        for cage in cages:
            if cage.label_key in labels:
                raise ValidationError(
                    _("The lab “%(lab)s” has a cage with the label “%(label)s” already."),
                    params={"lab": lab.name, "label": cage.label},
                )
            labels.add(cage.label_key)
        members = set(lab.memberships.values_list("person", flat=True))
        if strangers := [cage for cage in cages if cage.owner_id not in members]:
            raise ValidationError(
                _("The owner of cage %(id)d has no role in the lab “%(lab)s”."),
                params={"id": strangers[0].pk, "lab": lab.name},
            )
        ids = [cage.pk for cage in cages]
        before = {cage.pk: cage.lab.name for cage in cages}
        take_along(dict.fromkeys(ids, lab.pk))
        self.model.objects.filter(pk__in=ids).update(lab=lab, updated_at=now)
        CageEvent.objects.note(EventKind.JOINED, cages, now, person, before, after=lab.name)
        return len(cages)

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
