"""Racks: how large one is. Which cages stand in it, the cages say."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

LARGEST_GRID = 30


def row_number(row):
    """Which row it is, counted from the top: 2 for "B", 27 for "AA", 7 for "7" or "07"."""
    if row.isdigit():
        return int(row)
    number = 0
    for letter in row:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def row_label(number, is_number):
    """The reverse: "B" or "2" for 2."""
    if is_number:
        return str(number)
    label = ""
    while number:
        number, letter = divmod(number - 1, 26)
        label = chr(ord("A") + letter) + label
    return label


def slot_name(row, column):
    """Where in the rack: "B-07"."""
    return f"{row}-{column:02d}"


class Rack(models.Model):
    """The grid of a rack, where somebody has given it; a rack without a row is as large as its
    cages need. Found by room and name, whatever their case, as the cages name them."""

    room = models.CharField(max_length=50, blank=True)
    name = models.CharField(max_length=50)
    row_count = models.PositiveSmallIntegerField(
        _("rows"), validators=[MinValueValidator(1), MaxValueValidator(LARGEST_GRID)]
    )
    column_count = models.PositiveSmallIntegerField(
        _("columns"), validators=[MinValueValidator(1), MaxValueValidator(LARGEST_GRID)]
    )
    rows_are_numbers = models.BooleanField(_("rows are numbered, not lettered"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("room"), Lower("name"), name="cages_rack_one_per_name")
        ]

    def __str__(self):
        return f"{self.room} · {self.name}" if self.room else self.name
