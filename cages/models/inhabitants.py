"""The animals that live in a cage are of its lab: they go along where it goes to another one.

Where they lived before is not touched. Whoever sees a cage sees who lived in it, of whatever lab
these animals are by now.
"""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from cages.models.animal import Animal, Housing


def why_they_stay(labs: Mapping[int, int]) -> dict[int, str]:
    """{cage id: why its animals cannot go along}, without cages whose animals can; two queries.

    labs: {cage id: id of the lab to which it goes}. An animal cannot where its number is taken
    there, or where it lives in a cage as well that does not go there.
    """
    living = Housing.objects.filter(until=None)
    of_them = living.filter(animal__in=living.filter(cage__in=list(labs)).values("animal"))
    going: dict[int, Animal] = {}
    homes: dict[int, list[int]] = {}
    for one in of_them.select_related("animal").order_by("animal", "pk"):
        going[one.animal_id] = one.animal
        homes.setdefault(one.animal_id, []).append(one.cage_id)
    keys = {animal.key for animal in going.values()}
    there = Animal.objects.filter(lab__in=set(labs.values()), key__in=keys)
    owners = {(lab, key): pk for pk, lab, key in there.values_list("pk", "lab", "key")}
    found: dict[int, str] = {}
    for pk, animal in going.items():
        cage_id = next(home for home in homes[pk] if home in labs)
        lab_id = labs[cage_id]
        stays = next((home for home in homes[pk] if labs.get(home) != lab_id), None)
        if stays is not None:
            text = _("%(number)s lives in cage %(cage)s as well. Take it out of one of them first.")
            found[cage_id] = text % {"number": animal.number, "cage": stays}
        elif owners.setdefault((lab_id, animal.key), pk) != pk:
            text = _("The lab to which the cage goes has an animal with the number %(number)s.")
            found[cage_id] = text % {"number": animal.number}
    return found


def take_along(labs: Mapping[int, int]) -> None:
    """Give the animals that live in these cages now to the lab of their cage, in a transaction.

    labs: as for `why_they_stay`. Raises ValidationError where an animal cannot go along.
    """
    if stay := why_they_stay(labs):
        raise ValidationError(next(iter(stay.values())), code="animals_stay")
    for lab_id in sorted(set(labs.values())):
        cages = [cage_id for cage_id, lab in labs.items() if lab == lab_id]
        living = Housing.objects.filter(cage__in=cages, until=None)
        of_others = Animal.objects.filter(~Q(lab=lab_id), pk__in=living.values("animal"))
        of_others.update(lab=lab_id)
