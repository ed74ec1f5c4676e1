"""Note marks, correct them and withdraw them: who may, when they may be, and once each."""

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from cages.models import Cage, Mark, MarkKind, Rack, Room
from cages.models.cage import CageQuerySet
from cages.models.mark import LONGEST, OF_A_CAGE, MarkQuerySet
from cages.slots import is_ahead, slot_of
from people.access import Access

Place = Cage | Rack | Room
PLACES: dict[str, type[Place]] = {"cage": Cage, "rack": Rack, "room": Room}
# So many of the newest marks say which kinds are used most.
NEWEST_COUNTED = 500
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
class Taps:
    """What a page needs for noting work with one tap.

    kinds: those with a button. query: the place as in a URL. key: of the form.
    """

    kinds: list[MarkKind]
    query: str
    key: uuid.UUID


def taps_of(place: Place) -> Taps:
    """The buttons of a place. Two queries."""
    return Taps(kinds_of(place)[:BUTTONS], f"{name_of(place)}={place.pk}", uuid.uuid4())


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

    Raises ValidationError as `check_times`.
    """
    check_times(place, times, now)
    return Mark.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            name_of(place): place,
            "starts_at": times.start,
            "ends_at": times.end,
            "note": text,
            "person": access.person,
            "by": access.person.get_username(),
            "noted_at": now,
        },
    )


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


def handled_by(access: Access) -> MarkQuerySet:
    """Those that the person may correct and withdraw: own ones, and of what they handle."""
    handled = _there(access.handles(Cage.objects.all()))
    return seen_by(access).filter(handled | Q(person=access.person.pk))


def places_handled(access: Access, name: str) -> QuerySet[Any]:
    """The active cages, or the racks or rooms of these, of which the person may note marks."""
    return _places(access.handles(Cage.objects.active()), name)


def places_seen(access: Access, name: str) -> QuerySet[Any]:
    """The cages, or the racks or rooms of these, that the person sees."""
    return _places(access.sees(Cage.objects.all()), name)


def _places(cages: CageQuerySet, name: str) -> QuerySet[Any]:
    if name == "cage":
        return cages
    model: Any = PLACES[name]
    return model.objects.filter(pk__in=cages.order_by().values(name))


def _there(cages: CageQuerySet) -> Q:
    of_cages = cages.order_by()
    return (
        Q(cage__in=of_cages.values("pk"))
        | Q(rack__in=of_cages.values("rack"))
        | Q(room__in=of_cages.values("room"))
    )
