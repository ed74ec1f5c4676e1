"""Put animals into cages, move them and take them out. Housing changes at a day's beginning."""

from datetime import date

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


def _refuse_overlap(animal: Animal, since: date, until: date | None) -> None:
    others = animal.housings.filter(Q(until=None) | Q(until__gt=since))
    if until:
        others = others.filter(since__lt=until)
    if found := others.select_related("cage").first():
        text = _("%(number)s lives in cage %(cage)s from %(since)s on.")
        told = {"number": animal.number, "cage": found.cage.label, "since": found.since}
        raise ValidationError(text % told)


@transaction.atomic
def put(animal: Animal, cage: Cage, since: date, today: date) -> Housing:
    """Save the animal, new or not, and let it live in the cage from the day on.

    Raises ValidationError where it lives somewhere else then, where its lab is another one, or
    where the cage is full.
    """
    check_day(since, today)
    # Held until the end, so that two people do not put the same animal into two cages, and the cage
    # stays in its lab.
    lab_id = Cage.objects.select_for_update().values_list("lab", flat=True).get(pk=cage.pk)
    if animal.lab_id != lab_id:
        raise ValidationError(_("The cage belongs to another lab than the animal."))
    if cage.housings.filter(until=None).count() >= ANIMALS_AT_MOST:
        raise ValidationError(
            _("A cage has at most %(count)d animals.") % {"count": ANIMALS_AT_MOST}
        )
    animal.save()
    _refuse_overlap(animal, since, None)
    return Housing.objects.create(animal=animal, cage=cage, since=since)


@transaction.atomic
def end(housing: Housing, until: date, today: date) -> None:
    """The animal left the cage on the day, which is the first without it.

    Raises ValidationError where it did not live there before that day, or left already.
    """
    check_day(until, today)
    stored = Housing.objects.select_for_update().get(pk=housing.pk)
    if stored.until is not None:
        raise ValidationError(_("It left this cage already."))
    if until <= stored.since:
        first = stored.since + DAY
        raise ValidationError(_("The first day without it is %(day)s or later.") % {"day": first})
    stored.until = until
    stored.save(update_fields=["until"])


@transaction.atomic
def move(housing: Housing, cage: Cage, day: date, today: date) -> Housing:
    """The animal lives in another cage from the day on. Raises as `end` and `put`."""
    if cage.pk == housing.cage_id:
        raise ValidationError(_("It lives in this cage already."))
    end(housing, day, today)
    return put(housing.animal, cage, day, today)
