"""Which edition of a rule a cage is judged by: that of its lab, of its room, of the facility."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Q

from cages.models import Cage
from cages.models.cage import CageQuerySet
from welfare.models import Kind, Rule, RuleEdition
from welfare.rules.parameters import CLASSES, BadLong, Parameters, Unseen, unpack

logger = logging.getLogger(__name__)

# Of the rules for a lab, a room and the facility, a cage is judged by the first that there is.
CLOSEST_FIRST = ("lab", "room")
Scope = tuple[str, int | None]
FACILITY: Scope = ("", None)


@dataclass(frozen=True, slots=True)
class InForce:
    """An edition of a rule that is in use."""

    edition_id: int
    parameters: Parameters

    @property
    def bad_long(self) -> BadLong:
        return cast(BadLong, self.parameters)

    @property
    def unseen(self) -> Unseen:
        return cast(Unseen, self.parameters)


class Scopes:
    """The editions in force at one slot. `of` finds the one of a cage."""

    def __init__(self, editions: Iterable[RuleEdition]) -> None:
        """editions: with their rules."""
        self._found: dict[tuple[str, Scope], InForce | None] = {}
        for one in editions:
            scope = _scopes(one.rule.lab_id, one.rule.room_id)[0]
            self._found[one.rule.kind, scope] = _in_force(one) if one.is_on else None
        self.of = cache(self._of)

    @classmethod
    def at(cls, slot: datetime) -> "Scopes":
        """Those in force at the slot; one query."""
        return cls(RuleEdition.objects.in_force(slot).select_related("rule"))

    def _of(
        self, kind: Kind, lab_id: int | None = None, room_id: int | None = None
    ) -> InForce | None:
        """The edition that a cage of this lab in this room is judged by.

        None where the closest one is switched off, or where there is none.
        """
        scopes = ((kind, scope) for scope in _scopes(lab_id, room_id))
        return next((self._found[scope] for scope in scopes if scope in self._found), None)


def cages_of(rule: Rule) -> CageQuerySet:
    """The cages that this rule judges: without those that a closer rule in force is for.

    Paused and archived cages are left out.
    """
    cages = Cage.objects.polled()
    others = RuleEdition.objects.filter(
        rule__kind=rule.kind, in_force_since__isnull=False, ended_at=None
    ).exclude(rule=rule.pk)
    for name in CLOSEST_FIRST:
        if scope_id := getattr(rule, f"{name}_id"):
            return cages.filter(**{name: scope_id})
        theirs = others.exclude(**{f"rule__{name}": None}).values(f"rule__{name}")
        cages = cages.filter(Q(**{name: None}) | ~Q(**{f"{name}__in": theirs}))
    return cages


def _scopes(lab_id: int | None, room_id: int | None) -> list[Scope]:
    """The scopes that a cage of this lab in this room lies in, the closest first."""
    ids = {"lab": lab_id, "room": room_id}
    near: list[Scope] = [(name, ids[name]) for name in CLOSEST_FIRST if ids[name] is not None]
    return [*near, FACILITY]


def _in_force(edition: RuleEdition) -> InForce:
    kind = Kind(edition.rule.kind)
    try:
        parameters = unpack(kind, edition.parameters)
    except ValidationError as error:
        # Judging the others, and this kind by its defaults, is better than judging nothing.
        logger.error("%s cannot be read: %s", edition, error.messages)
        parameters = CLASSES[kind]()
    return InForce(edition.pk, parameters)
