"""Names that people give: how they are shown, which of them read the same, and their order.

Python compares names, never the database: `lower()` in SQL gives other results for some alphabets,
and the order of a text differs from one database to the next. So what Python makes of a name is
kept beside it, in a KeyField and a SortField.
"""

import re
import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

# The characters that str.splitlines() breaks a text at.
LINE_BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Letters that fonts draw as nothing. Unicode does not class them as format characters.
FILLERS = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0")
# They change how the character before them is drawn, for example as an emoji.
SELECTORS = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Case folding makes a character three characters at most. What is longer is cut, because
# PostgreSQL limits the size of an entry in an index.
KEY_LENGTH = 300
NUMBER = re.compile(r"\d+")
# Letters that Unicode does not take apart, and the letters that they stand with in lists.
BASE_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})


def shown_name(text: str) -> str:
    """Return the name as it is shown: composed (NFC), with single blanks inside and none around.

    Raises ValidationError for a line break and for characters that cannot be seen.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    if LINE_BREAK.search(text.strip()):
        raise ValidationError(_("A line break is not allowed here."), code="line_break")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    for character in name:
        if character in FILLERS or unicodedata.category(character) in ("Cc", "Cf"):
            raise ValidationError(
                _("The text contains an invisible character (U+%(code)s). Type it again."),
                code="invisible",
                params={"code": f"{ord(character):04X}"},
            )
    if name and not key_of(name):
        raise ValidationError(_("The text contains no visible character."), code="invisible")
    return name


def key_of(name: str) -> str:
    """Return the normal form of a name. Two names with the same normal form read the same.

    This is Unicode's compatibility caseless match (The Unicode Standard, section 3.13, D146), with
    all white space folded to single blanks.
    """
    if name.isascii():
        return " ".join(name.lower().split())[:KEY_LENGTH]
    key = unicodedata.normalize("NFD", SELECTORS.sub("", name))
    for _round in range(2):
        key = unicodedata.normalize("NFKC", key.casefold())
    return " ".join(key.split())[:KEY_LENGTH]


def sort_key(name: str) -> str:
    """Return the text by which a name is sorted: "Cage 2" before "Cage 10", "Ä" with "A".

    That is the order of English and of German. It compares byte by byte (collation "C"). Names with
    the same normal form have the same key; so have names that differ in accents only.
    """
    key = key_of(name).translate(BASE_LETTERS)
    if not key.isascii():
        parts = unicodedata.normalize("NFKD", key)
        key = "".join(part for part in parts if not unicodedata.combining(part))
    # The number of digits comes first, so that a longer number comes later.
    return NUMBER.sub(_sortable_number, key)[:KEY_LENGTH]


def _sortable_number(found: re.Match[str]) -> str:
    digits = str(int(found[0]))
    return f"{len(digits):02d}{digits}"


def search_key(words: str) -> str:
    """Return the normal form without white space: a search does not regard it."""
    return key_of(words).replace(" ", "")


class KeyField(models.CharField):
    """The normal form of another field of the same model, kept up to date by every save.

    of: the name of that field. A queryset's update() has to set the key itself.
    The lookup `blankless__contains` finds what holds a `search_key`.
    """

    derive = staticmethod(key_of)

    def __init__(self, *args: Any, of: str, **kwargs: Any) -> None:
        self.of = of
        super().__init__(*args, **{**kwargs, "max_length": KEY_LENGTH, "editable": False})

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"], kwargs["editable"]
        return name, path, list(args), {**kwargs, "of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = self.derive(getattr(model_instance, self.of) or "")
        setattr(model_instance, self.attname, key)
        return key


@KeyField.register_lookup
class Blankless(models.Transform):
    """A normal form without its blanks, in SQL. No other white space is left in it."""

    lookup_name = "blankless"
    template = "REPLACE(%(expressions)s, ' ', '')"
    output_field = models.TextField()


class SortField(KeyField):
    """The `sort_key` of another field of the same model. ORDER BY it is the order of lists."""

    derive = staticmethod(sort_key)

    def __init__(self, *args: Any, of: str, **kwargs: Any) -> None:
        super().__init__(*args, of=of, **{**kwargs, "db_collation": "C"})

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["db_collation"]
        return name, path, args, kwargs
