"""Which edition of a rule a cage is judged by: that of its lab, of its room, of the facility."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import cast

from django.core.exceptions import ValidationError

from welfare.models import Kind, RuleEdition
from welfare.rules.parameters import CLASSES, BadLong, Parameters, Unseen, unpack

logger = logging.getLogger(__name__)


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
        self._found: dict[tuple[str, int | None, int | None], InForce | None] = {}
        for one in editions:
            scope = (one.rule.kind, one.rule.lab_id, one.rule.room_id)
            self._found[scope] = _in_force(one) if one.is_on else None
        self.of = cache(self._of)

    @classmethod
    def at(cls, slot: datetime) -> "Scopes":
        """Those in force at the slot; one query."""
        return cls(RuleEdition.objects.in_force(slot).select_related("rule"))

    def _of(
        self, kind: Kind, lab_id: int | None = None, room_id: int | None = None
    ) -> InForce | None:
        """The edition that a cage of this lab in this room is judged by.

        The lab's goes before the room's, and the room's before the facility's. None where that one
        is switched off, or where there is none.
        """
        scopes: list[tuple[str, int | None, int | None]] = [(kind, None, None)]
        if room_id is not None:
            scopes.insert(0, (kind, None, room_id))
        if lab_id is not None:
            scopes.insert(0, (kind, lab_id, None))
        return next((self._found[scope] for scope in scopes if scope in self._found), None)


def _in_force(edition: RuleEdition) -> InForce:
    kind = Kind(edition.rule.kind)
    try:
        parameters = unpack(kind, edition.parameters)
    except ValidationError as error:
        # Judging the others, and this kind by its defaults, is better than judging nothing.
        logger.error("%s cannot be read: %s", edition, error.messages)
        parameters = CLASSES[kind]()
    return InForce(edition.pk, parameters)
