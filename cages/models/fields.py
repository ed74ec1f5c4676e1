"""The fields of a cage that people fill in, declared once.

The form, the import, the admin, the cage's page, the cards and the API take their fields from here.
A new field is three edits: the model's field, its line here, and its type in the API's schema.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Field
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cages.models.animal import AnimalCount
from cages.models.cage import Cage
from people.access import Access, Permission
from people.names import KeyField

# Headings of the form. Fields with the same heading stand side by side under it.
STANDS, LIVES = _("Position"), _("Animals")
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class CageField:
    """One field.

    meaning: what the import's page says of its column. heading: the form's heading above it, or
    empty. width: of the 12 columns of the form, on a phone and on a wide screen. permission: what
    a person needs to fill it in. is_kept_if_empty: an empty cell of an import leaves it as it is.
    is_fact, is_on_card: the cage's page and its card show it on a line of its own.
    """

    name: str
    meaning: Promise | str
    heading: Promise | str = ""
    width: tuple[int, int] = (12, 12)
    is_kept_if_empty: bool = False
    permission: Permission | None = None
    is_fact: bool = False
    is_on_card: bool = False

    @property
    def label(self) -> str:
        field = Cage._meta.get_field(self.name)
        return str(capfirst(field.verbose_name)) if isinstance(field, Field) else self.name

    def value(self, cage: Cage) -> Any:
        """Return what programs read: names of rooms, racks and people in place of rows."""
        names = {"room": cage.room_name, "rack": cage.rack_name, "owner": str(cage.owner)}
        return names[self.name] if self.name in names else getattr(cage, self.name)

    def cell(self, cage: Cage) -> str:
        """Return the text that stands for the value in a file."""
        value = self.value(cage)
        if isinstance(value, bool):
            return YES if value else NO
        return "" if value is None else str(value)


FIELDS = (
    CageField("label", _("The name of the cage. Required."), width=(12, 8)),
    CageField("room", _("The room, as written on the door."), STANDS, (6, 3)),
    CageField("rack", _("The rack, as written on the rack."), STANDS, (6, 3)),
    CageField("row", _("The row of its bay in the rack, such as B."), STANDS, (6, 3)),
    CageField(
        "column",
        _("The column of its bay, such as 7. Cages can swap bays within one file."),
        STANDS,
        (6, 3),
    ),
    CageField(
        "strain",
        _("Species or strain of the animals."),
        LIVES,
        (8, 8),
        is_fact=True,
        is_on_card=True,
    ),
    CageField("animal_count", _("Number of animals in the cage."), LIVES, (4, 4), is_fact=True),
    CageField(
        "owner",
        _("The username of the responsible person. Empty: unchanged; for a new cage, you."),
        is_kept_if_empty=True,
        permission=Permission.OWNERS,
        is_fact=True,
        is_on_card=True,
    ),
    CageField("notes", _("Any other information.")),
    CageField(
        "is_polled",
        _(
            "yes: its sensor is polled every minute; no: paused. "
            "Empty: unchanged; for a new cage, yes."
        ),
        is_kept_if_empty=True,
    ),
)
NAMES = tuple(field.name for field in FIELDS)
# What every save makes of them. A statement that lists columns has to list these too.
DERIVED = tuple(field.name for field in Cage._meta.fields if isinstance(field, KeyField))


def fields_for(access: Access) -> list[CageField]:
    """The fields that this person may fill in."""
    return [one for one in FIELDS if one.permission is None or access.may(one.permission)]


def values_of(cage: Cage) -> dict[str, Any]:
    """{field: value} for programs."""
    return {field.name: field.value(cage) for field in FIELDS}


def cells_of(cage: Cage) -> dict[str, str]:
    """{field: text} as a row of a file says it."""
    return {field.name: field.cell(cage) for field in FIELDS}


def facts_of(cage: Cage) -> list[tuple[str, str]]:
    """[(label, text)] for the page of a cage `with_animals`. Empty where nothing is known."""
    cells = {field.name: field.cell(cage) for field in FIELDS if field.is_fact}
    cells["animal_count"] = _animals_in_words(cage.animals)
    return [(field.label, cells[field.name]) for field in FIELDS if field.is_fact]


def _animals_in_words(animals: AnimalCount) -> str:
    if animals.count is None:
        return ""
    if animals.is_recorded:
        return gettext("%(count)d, recorded one by one") % {"count": animals.count}
    return gettext("%(count)d, as entered for the cage") % {"count": animals.count}


def card_of(cage: Cage) -> list[str]:
    """The lines of the cage's card below its label."""
    lines = [field.cell(cage) for field in FIELDS if field.is_on_card]
    return [line for line in lines if line]
