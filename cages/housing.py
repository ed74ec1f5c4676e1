"""Put animals into cages, move them and take them out, and correct what was noted of it.

Housing changes at a day's beginning.
"""

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from cages.history.moment import bad_year
from cages.history.window import DAY
from cages.models import Animal, Cage, Housing
from cages.models.animal import FIRST_DAY

ANIMALS_AT_MOST = 100


def check_day(day: date, today: date) -> None:
    """Raises ValidationError for a day after today, and for one before the first known year."""
    if day < FIRST_DAY:
        raise ValidationError(bad_year())
    if day > today:
        raise ValidationError(_("This day is in the future. Note what has happened."))


def _check_end(since: date, until: date) -> None:
    if until <= since:
        first = since + DAY
        raise ValidationError(_("The first day without it is %(day)s or later.") % {"day": first})


def _refuse_overlap(housing: Housing) -> None:
    """Raises ValidationError where the animal lives in a cage on one of these days already."""
    animal, since, until = housing.animal, housing.since, housing.until
    others = animal.housings.exclude(pk=housing.pk).filter(Q(until=None) | Q(until__gt=since))
    if until:
        others = others.filter(since__lt=until)
    if found := others.select_related("cage").order_by("since").first():
        text = _("%(number)s lives in cage %(cage)s from %(since)s on.")
        if found.cage.lab_id != housing.cage.lab_id:
            # Nothing else is told of a cage that the person may not see.
            text = _("%(number)s lives in a cage of another lab from %(since)s on.")
        told = {"number": animal.number, "cage": found.cage.label, "since": found.since}
        raise ValidationError(text % told)


def _held(cage_id: int) -> Cage:
    """The cage, held until the end of the transaction, so that it stays in its lab.

    It is held before the animal, whatever is done.
    """
    return Cage.objects.select_for_update(of=("self",)).get(pk=cage_id)


def _check_room(animal: Animal, cage: Cage) -> None:
    """Raises ValidationError where the animal cannot live in the cage now."""
    if animal.lab_id != cage.lab_id:
        raise ValidationError(_("The cage belongs to another lab than the animal."))
    if cage.housings.filter(until=None).count() >= ANIMALS_AT_MOST:
        raise ValidationError(
            _("A cage has at most %(count)d animals.") % {"count": ANIMALS_AT_MOST}
        )


def _stored(housing: Housing) -> Housing:
    """The same, as it is now, held until the end. Raises ValidationError if it was withdrawn."""
    stored = Housing.objects.select_for_update().filter(pk=housing.pk).first()
    if stored is None:
        raise ValidationError(_("It was withdrawn already."))
    return stored


@transaction.atomic
def put(animal: Animal, cage: Cage, since: date, today: date) -> Housing:
    """Save the animal, new or not, and let it live in the cage from the day on.

    Raises ValidationError where it lives somewhere else then, where its lab is another one, or
    where the cage is full.
    """
    check_day(since, today)
    cage = _held(cage.pk)
    # The animal is held too, so that two people do not put it into two cages. It may have gone to
    # another lab with its cage since it was read.
    if known := Animal.objects.select_for_update().filter(pk=animal.pk).first():
        animal.lab_id = known.lab_id
    _check_room(animal, cage)
    animal.save()
    housing = Housing(animal=animal, cage=cage, since=since)
    _refuse_overlap(housing)
    housing.save()
    return housing


@transaction.atomic
def end(housing: Housing, until: date, today: date) -> None:
    """The animal left the cage on the day, which is the first without it.

    Raises ValidationError where it did not live there before that day, or left already.
    """
    check_day(until, today)
    stored = _stored(housing)
    if stored.until is not None:
        raise ValidationError(_("It left this cage already."))
    _check_end(stored.since, until)
    stored.until = until
    stored.save(update_fields=["until"])


@transaction.atomic
def move(housing: Housing, cage: Cage, day: date, today: date) -> Housing:
    """The animal lives in another cage from the day on. Raises as `end` and `put`."""
    if cage.pk == housing.cage_id:
        raise ValidationError(_("It lives in this cage already."))
    # Both cages, then the animal, as `correct` and a hand-over of a cage hold them: none of these
    # waits for another one that waits for it, and no cage goes to another lab meanwhile.
    for cage_id in sorted((housing.cage_id, cage.pk)):
        _held(cage_id)
    Animal.objects.select_for_update().get(pk=housing.animal_id)
    end(housing, day, today)
    return put(housing.animal, cage, day, today)


@transaction.atomic
def correct(housing: Housing, since: date, until: date | None, today: date) -> None:
    """Other days of the same animal in the same cage. until: None where it lives there still.

    Raises ValidationError as `put` and `end`, and where the housing was withdrawn.
    """
    for day in (since, until):
        if day:
            check_day(day, today)
    if until:
        _check_end(since, until)
    cage = _held(housing.cage_id)
    animal = Animal.objects.select_for_update().get(pk=housing.animal_id)
    stored = _stored(housing)
    if until is None and stored.until is not None:
        _check_room(animal, cage)
    stored.animal, stored.cage, stored.since, stored.until = animal, cage, since, until
    _refuse_overlap(stored)
    stored.save(update_fields=["since", "until"])


def withdraw(housing: Housing, now: datetime) -> bool:
    """Whether it was withdrawn by this. It stays in the record and counts nowhere."""
    return bool(Housing.objects.filter(pk=housing.pk).update(withdrawn_at=now))
