"""The search for cages: by anything that a page says of them, however it is written."""

import re
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from cages.models.place import Rack, Room, bay_row
from neurocage.ids import id_from
from people.models import Lab, User
from people.names import key_of, search_key

# "B-07", "b7" or "7-07".
BAY = re.compile("([a-z]{1,2})-?([0-9]{1,3})|([0-9]{1,3})-([0-9]{1,3})")
NUMBER = re.compile("[0-9]+")


def found_by(words: str) -> Q:
    """The cages one of whose fields holds all the words as they stand.

    Also those whose fields together hold each word, such as "R2 B-07". Then a number has to stand
    alone, so that "Cage 6" does not find each cage of "C57BL/6J". The parts of a position
    ("R2 · rack B · B-07") count as one word each.
    """
    found = _holding(words)
    parts = words.split("·") if "·" in words else words.split()
    parts = [part for part in parts if key_of(part)]
    if len(parts) > 1:
        each = Q()
        for part in parts:
            each &= _holding(part, is_part=True)
        found |= each
    return found


def _holding(words: str, is_part: bool = False) -> Q:
    """The cages one of whose fields holds the words; also the cage with this id, "#117" or "117".

    The fields are label, strain, room, rack, bay, owner and lab. Case, white space and the Unicode
    form of the words do not count.
    """
    key = search_key(words)
    found = _held("label_key", key, is_part) | _held("strain_key", key, is_part)
    named: dict[str, QuerySet[Any]] = {
        "room": Room.objects.all(),
        "owner": User.objects.all(),
        "lab": Lab.objects.all(),
    }
    for field, rows in named.items():
        found |= Q(**{f"{field}__in": rows.filter(_held("key", key, is_part)).values("pk")})
    # Pages write the word before the name: "rack B".
    name = key.removeprefix(search_key(gettext("Rack"))).removeprefix("rack") or key
    found |= Q(rack__in=Rack.objects.filter(_held("key", name, is_part)).values("pk"))
    if bay := BAY.fullmatch(key):
        row, column = (part for part in bay.groups() if part)
        found |= Q(row=bay_row(row), column=int(column))
    number = _number_in(words)
    return found if number is None else found | Q(pk=number)


def _held(field: str, key: str, is_part: bool) -> Q:
    if is_part and NUMBER.fullmatch(key):
        return Q(**{f"{field}__regex": f"(^|[^0-9a-z]){key}([^0-9a-z]|$)"})
    return Q(**{f"{field}__blankless__contains": key})


def _number_in(words: str) -> int | None:
    """Return the id in "117", "#117" or "cage 117"."""
    text = "".join(words.lower().split())
    for word in ("cage", gettext("Cage").lower(), "#"):
        text = text.removeprefix(word)
    return id_from(text)
