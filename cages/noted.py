"""What a page of changes says of cages, places, screens and retention."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cages.models import (
    Animal,
    Cage,
    CageEvent,
    Housing,
    LightPeriod,
    LightSchedule,
    Mark,
    MarkKind,
    Poll,
    Rack,
    RetentionChange,
    Room,
    Study,
    WallLink,
)
from cages.models.place import bay_name
from people.noted import Noted, note


def _bay(row: Any, column: Any) -> str:
    return bay_name(row, column) if row and column else ""


def _page_of_cage(row: str) -> str:
    return reverse("cage-detail", args=[row])


def register() -> None:
    note(
        Noted(
            Cage,
            _("Cage"),
            address=_page_of_cage,
            merged={_("Bay"): (("row", "column"), _bay)},
        ),
        Noted(CageEvent, _("Event of a cage")),
        Noted(Room, _("Room")),
        Noted(Rack, _("Rack"), address=lambda row: reverse("rack-detail", args=[row])),
        Noted(LightSchedule, _("Light schedule")),
        Noted(LightPeriod, _("Light of a place")),
        Noted(MarkKind, _("Kind of mark")),
        Noted(Mark, _("Mark")),
        Noted(Animal, _("Animal")),
        Noted(Housing, _("Housing of an animal")),
        Noted(
            Study,
            _("Study package"),
            address=lambda row: reverse("study-detail", args=[row]),
        ),
        Noted(WallLink, _("Link for a screen")),
        Noted(RetentionChange, _("Retention")),
        # Only results that came after the digest of their day was made.
        Noted(Poll, _("Late result of cage"), address=_page_of_cage),
    )
