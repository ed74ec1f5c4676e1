"""Note marks, correct them and withdraw them: who may, when they may be, and once each."""

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from cages.models import Cage, Mark, MarkKind, Rack, Room, Stay
from cages.models.cage import CageQuerySet
from cages.models.mark import LONGEST, OF_A_CAGE, MarkQuerySet
from cages.slots import is_ahead, slot_of
from people.access import Access

Place = Cage | Rack | Room
PLACES: dict[str, type[Place]] = {"cage": Cage, "rack": Rack, "room": Room}
# So many of the newest marks say which kinds are used most.
NEWEST_COUNTED = 500
# For so long whoever noted something can take it back without a reason.
UNDO_WITHIN = timedelta(minutes=10)
# Kinds with a button of their own on the page of a place.
BUTTONS = 5


@dataclass(frozen=True, slots=True)
class Times:
    """The start and the end of a mark. They may be the same."""

    start: datetime
    end: datetime


def name_of(place: Place) -> str:
    """The name of the place's field of a mark: "cage", "rack" or "room"."""
    return next(name for name, model in PLACES.items() if isinstance(place, model))


def kinds_of(place: Place) -> list[MarkKind]:
    """The kinds that can be noted at the place, the most used ones first. Two queries."""
    newest = Mark.objects.order_by("-pk").values_list("kind", flat=True)[:NEWEST_COUNTED]
    used = Counter(newest)
    kinds = MarkKind.objects.filter(is_on=True).order_by("pk")
    return sorted((one for one in kinds if fits(one, place)), key=lambda one: -used[one.pk])


@dataclass(frozen=True, slots=True)
class Held:
    """How many of the active cages of a place the person handles. Of a cage: 1 of 1, or none."""

    mine: int
    all: int

    @property
    def is_whole(self) -> bool:
        """Whether a mark of the place itself is theirs to note."""
        return 0 < self.mine == self.all


@dataclass(frozen=True, slots=True)
class Taps:
    """What a page needs for noting work with one tap.

    kinds: those with a button. query: the place as in a URL. key: of the form. held: for how many
    cages it is noted.
    """

    kinds: list[MarkKind]
    query: str
    key: uuid.UUID
    held: Held


def taps_of(place: Place, held: Held) -> Taps | None:
    """The buttons of a place; None where the person handles no cage of it. Two queries."""
    if not held.mine:
        return None
    return Taps(kinds_of(place)[:BUTTONS], f"{name_of(place)}={place.pk}", uuid.uuid4(), held)


def fits(kind: MarkKind, place: Place) -> bool:
    """Whether it can be noted there. What is done to one sensor is not done to a rack."""
    return isinstance(place, Cage) or kind.code not in OF_A_CAGE


def check_times(place: Place, times: Times, now: datetime) -> None:
    """Raises ValidationError, {field: message}, where nothing can have happened there then."""
    if times.end < times.start:
        raise ValidationError({"ends_at": _("The end is before the start.")})
    if times.end > times.start + LONGEST:
        raise ValidationError({"ends_at": _("At most %(days)d days.") % {"days": LONGEST.days}})
    for field, moment in (("starts_at", times.start), ("ends_at", times.end)):
        if is_ahead(moment, now):
            raise ValidationError({field: _("This is in the future. Note what has happened.")})
    if isinstance(place, Cage) and times.start < slot_of(place.created_at):
        raise ValidationError({"starts_at": _("The cage did not exist then.")})


def key_of_tap(form_key: str, kind: MarkKind) -> uuid.UUID:
    """The key of a mark of this kind from a form with this key. Raises ValidationError."""
    try:
        return uuid.uuid5(uuid.UUID(form_key), str(kind.pk))
    except ValueError as error:
        raise ValidationError(_("The form is not complete. Load the page again.")) from error


def note(
    place: Place,
    kind: MarkKind,
    times: Times,
    access: Access,
    now: datetime,
    key: uuid.UUID,
    text: str = "",
) -> tuple[Mark, bool]:
    """(the mark with the key, whether it is new). One that arrives twice is kept once.

    The caller has checked that the person may note it. Raises ValidationError as `check_times`.
    """
    check_times(place, times, now)
    new = _new(place, kind, times, access, now, text)
    return Mark.objects.get_or_create(key=key, defaults=new)


def note_what_is_held(
    place: Place,
    kind: MarkKind,
    times: Times,
    access: Access,
    now: datetime,
    key: uuid.UUID,
    text: str = "",
) -> tuple[list[Mark], bool]:
    """(the marks, whether any is new): one of the place, if the person handles all cages of it.

    Else one of each cage there that they handle, with a key made from `key`: nobody takes the
    marks of a place from its people by putting a cage there, and nobody notes anything of the
    cages of others. Raises ValidationError as `check_times`, and where no such cage stood there.
    """
    check_times(place, times, now)
    known = Mark.objects.filter(key=key).first()
    if known:
        return [known], False
    if isinstance(place, Cage) or _is_whole(place, times.start, access):
        mark, is_new = note(place, kind, times, access, now, key, text)
        return [mark], is_new
    cages = list(access.handles(cages_then(place, times.start).active()))
    if not cages:
        raise ValidationError({"starts_at": _("No cage that you take care of stood here then.")})
    marks = [
        Mark(
            key=uuid.uuid5(key, f"cage={cage.pk}"),
            is_of_several=True,
            **_new(cage, kind, times, access, now, text),
        )
        for cage in cages
    ]
    found = Mark.objects.filter(key__in=[mark.key for mark in marks])
    before = found.count()
    Mark.objects.bulk_create(marks, ignore_conflicts=True)
    kept = list(found.select_related("kind").order_by("pk"))
    return kept, len(kept) > before


def _new(
    place: Place, kind: MarkKind, times: Times, access: Access, now: datetime, text: str
) -> dict[str, Any]:
    return {
        "kind": kind,
        name_of(place): place,
        "starts_at": times.start,
        "ends_at": times.end,
        "note": text,
        "person": access.person,
        "by": access.person.get_username(),
        "noted_at": now,
    }


def end(mark: Mark, now: datetime) -> bool:
    """Whether this ended a mark that was noted at its beginning. It lasts until now then."""
    is_moment = Mark.objects.valid().filter(pk=mark.pk, ends_at=F("starts_at"))
    lasting = is_moment.filter(starts_at__lte=now, starts_at__gte=now - LONGEST)
    return bool(lasting.update(ends_at=now))


def withdraw(mark: Mark, now: datetime) -> bool:
    """Whether it was withdrawn by this. It stays in the record and counts nowhere."""
    return bool(Mark.objects.valid().filter(pk=mark.pk).update(withdrawn_at=now))


def seen_by(access: Access) -> MarkQuerySet:
    """The marks of the cages that the person sees, and of the racks and rooms of these."""
    return Mark.objects.filter(_there(access.sees(Cage.objects.all())))


def may_correct(mark: Mark, access: Access) -> bool:
    """Whether the person may correct and withdraw it: who handles every cage that it counts for.

    Who noted it has no right beyond that: it is about cages that others answer for now. Two queries
    at most.
    """
    if mark.cage:
        return access.may_handle(mark.cage)
    then = _held(cages_then(mark.place, mark.starts_at), access)
    return then.is_whole if then.all else held_of(mark.place, access).is_whole


def may_move(mark: Mark, start: datetime, access: Access) -> bool:
    """Whether the person, who may correct it, may say that it began then. One query."""
    then = mark.cage is None and _held(cages_then(mark.place, start), access)
    return not then or then.mine == then.all


def held_of(place: Place, access: Access) -> Held:
    """How much of the place, as it is now, the person handles. One query."""
    return _held(Cage.objects.active().filter(**_here(place)), access)


def _held(cages: CageQuerySet, access: Access) -> Held:
    counted = access.counts(cages, "handle")
    return Held(counted["handle"], counted["all"])


def _is_whole(place: Place, start: datetime, access: Access) -> bool:
    """Whether a mark of the place that began then counts only for cages that the person handles."""
    then = _held(cages_then(place, start), access)
    return then.mine == then.all and held_of(place, access).is_whole


def cages_then(place: Place, moment: datetime) -> CageQuerySet:
    """The cages of a rack or a room at the moment, without those that were archived by then.

    A mark of the place that begins then counts for them (`cages.history.handling`).
    """
    name = name_of(place)
    there = Stay.objects.filter(**{name: place}, since__lte=moment).values("cage")
    stays = Stay.objects.filter(cage=OuterRef("pk"), since__lte=moment).order_by("-since", "-pk")
    cages = Cage.objects.filter(pk__in=there).exclude(archived_at__lte=moment)
    stood: CageQuerySet = cages.annotate(stood=Subquery(stays.values(name)[:1]))
    return stood.filter(stood=place.pk)


def places_seen(access: Access, name: str) -> QuerySet[Any]:
    """The cages, or the racks or rooms of these, that the person sees."""
    cages = access.sees(Cage.objects.all())
    if name == "cage":
        return cages
    model: Any = PLACES[name]
    return model.objects.filter(pk__in=cages.order_by().values(name))


def _here(place: Place) -> dict[str, Any]:
    name = name_of(place)
    return {"pk" if name == "cage" else name: place.pk}


def _there(cages: CageQuerySet) -> Q:
    of_cages = cages.order_by()
    return (
        Q(cage__in=of_cages.values("pk"))
        | Q(rack__in=of_cages.values("rack"))
        | Q(room__in=of_cages.values("room"))
    )
