"""Marks as pins over strips and charts: where each stands, and its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from cages.drawing.words import date_and_time, day_and_time
from cages.models import Mark
from cages.slots import SLOT_LENGTH, slot_of

# More than these would hide the strip. The list beside says how many there are.
PINS_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Pin:
    """A mark on an axis. percent: where it begins; width: how long it is, in percent.

    number: its place in the list beside; words: what a pointer shows.
    """

    number: int
    percent: float
    width: float
    words: str

    @property
    def end(self) -> float:
        return round(self.percent + self.width, 2)

    @property
    def is_last(self) -> bool:
        """Whether its number stands before it, because there is no room behind."""
        return self.percent > 96


@dataclass(frozen=True, slots=True)
class Numbered:
    """A mark with its place in the list of a page, from 1 on."""

    number: int
    mark: Mark

    @property
    def words(self) -> str:
        return f"{self.number}. {in_words(self.mark)}"


def numbered(marks: Sequence[Mark]) -> list[Numbered]:
    """The marks of a page, oldest first, each with its number; at most PINS_AT_MOST, the newest."""
    shown = marks[-PINS_AT_MOST:]
    return [Numbered(number, mark) for number, mark in enumerate(shown, 1)]


def times_of(mark: Mark) -> str:
    """From when to when: "2026-03-02 07:00–07:12", or the one moment."""
    start = date_and_time(mark.starts_at)
    if slot_of(mark.ends_at) == slot_of(mark.starts_at):
        return start
    return f"{start}–{day_and_time(mark.ends_at, mark.starts_at)}"


def in_words(mark: Mark) -> str:
    """All that was noted: "Cage change, 2026-03-02 07:00–07:12, anna: wet bedding"."""
    kind = str(mark.kind)
    if not mark.cage_id:
        kind = _("%(kind)s (%(place)s)") % {"kind": kind, "place": mark.place_name}
    told = ", ".join(filter(None, (kind, times_of(mark), mark.by)))
    return f"{told}: {mark.note}" if mark.note else told


def pins_of(
    marks: Sequence[Numbered], begin: datetime, first: int, end: int, width: float, at: float = 0
) -> list[Pin]:
    """The Pins on an axis that is `width` minutes long.

    It shows the minutes from `first` up to `end` after the slot `begin`, which stands `at` it.
    """
    pins = []
    for one in marks:
        starts = (slot_of(one.mark.starts_at) - begin) // SLOT_LENGTH
        ends = (slot_of(one.mark.ends_at) - begin) // SLOT_LENGTH + 1
        shown_from, shown_to = max(starts, first), min(ends, end)
        if shown_from < shown_to:
            percent = round(100 * (at + shown_from) / width, 2)
            length = round(100 * (shown_to - shown_from) / width, 2)
            pins.append(Pin(one.number, percent, length, one.words))
    return pins
