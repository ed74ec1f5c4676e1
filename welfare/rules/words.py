"""What each kind of concern says by itself: cause, consequence, and what to check."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from welfare.models.rule import Kind

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class Words:
    """In the reader's language."""

    cause: "StrPromise"
    consequence: "StrPromise"
    what_to_check: "StrPromise"


WORDS = {
    Kind.BAD_LONG: Words(
        _("Nearly all known readings of this cage have been Bad for a while."),
        _("An animal may be sick, hurt or without water."),
        _("Look at the animals, water, food and bedding, and whether the cage was just handled."),
    ),
    Kind.UNSEEN: Words(
        _("The sensor of this cage has not answered for a while."),
        _("Nothing is known of the animals since the last reading."),
        _("Look at the cage by eye. Then check the sensor, its power and its network."),
    ),
    Kind.SENSOR_WEAK: Words(
        _("The sensor answers less often, or more slowly, than it used to."),
        _("Fewer minutes of this cage are known. It may fail soon."),
        _("Check the sensor, its power and its network."),
    ),
    Kind.PLACE_SILENT: Words(
        _("Many sensors of one place fell silent together, more than chance allows."),
        _("Nothing is known of the cages there. The cause is probably shared."),
        _("Check the power and the network of this place. Look at the cages by eye if it lasts."),
    ),
    Kind.NEUROCAGE: Words(
        _("A part of Neurocage itself is failing."),
        _("Cages may not be watched, or people may not be told."),
        _("Look at the operations page."),
    ),
    Kind.BY_EYE: Words(
        _("A person has seen something at the cage."),
        _("An animal may be sick, hurt or without water."),
        _("Read what was written, and look at the animals."),
    ),
}


def words_of(kind: Kind) -> Words:
    """The words of a kind, for what a rule leaves empty."""
    return WORDS[kind]
