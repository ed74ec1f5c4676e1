"""How a rule comes into force: one person proposes an edition, another one approves it.

The caller has checked that the person may do it. Every function takes `now` and locks the rule, so
that of two people who act at the same time the second one is told what the first one did.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from cages.slots import SLOT_LENGTH, slot_of
from people.access import others_who_approve
from people.models import User
from welfare.models import Rule, RuleEdition
from welfare.rules.parameters import Parameters, pack


class Decided(Exception):
    """Somebody approved or refused the edition already, or a newer one was proposed."""


class OwnProposal(Exception):
    """Nobody approves what they proposed, as long as somebody else can."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What an edition says. "" means the words of the kind."""

    cause: str = ""
    consequence: str = ""
    what_to_check: str = ""


def propose(
    rule: Rule, person: User, parameters: Parameters, texts: Texts, is_on: bool, now: datetime
) -> RuleEdition:
    """Propose an edition. It takes the place of one that still waits.

    Where nobody else could approve it, it is in force from the next slot on.
    """
    with transaction.atomic():
        _lock(rule.pk)
        rule.editions.proposed().update(refused_at=now)
        edition = rule.editions.create(
            is_on=is_on,
            parameters=pack(parameters),
            cause=texts.cause,
            consequence=texts.consequence,
            what_to_check=texts.what_to_check,
            proposed_at=now,
            proposed_by=person,
        )
        if not others_who_approve(person, rule.lab_id):
            _put_in_force(edition, person, now)
    return edition


def approve(edition_id: int, person: User, now: datetime) -> RuleEdition:
    """Put it in force from the next slot on. Raises Decided and OwnProposal."""
    with transaction.atomic():
        edition = _waiting(edition_id)
        is_own = edition.proposed_by_id == person.pk
        if is_own and others_who_approve(person, edition.rule.lab_id):
            raise OwnProposal
        _put_in_force(edition, person, now)
    return edition


def refuse(edition_id: int, person: User, now: datetime) -> RuleEdition:
    """Refuse it, or take back one's own. Raises Decided."""
    with transaction.atomic():
        edition = _waiting(edition_id)
        edition.refused_at = now
        edition.save()
    return edition


def _lock(rule_id: int) -> None:
    Rule.objects.select_for_update().get(pk=rule_id)


def _waiting(edition_id: int) -> RuleEdition:
    edition = RuleEdition.objects.get(pk=edition_id)
    _lock(edition.rule_id)
    edition.refresh_from_db()
    if edition.in_force_since or edition.refused_at:
        raise Decided
    return edition


def _put_in_force(edition: RuleEdition, person: User, now: datetime) -> None:
    begin = slot_of(now) + SLOT_LENGTH
    # One that was approved a moment ago has not begun. It ends when it would have.
    RuleEdition.objects.filter(
        rule=edition.rule_id, in_force_since__isnull=False, ended_at=None
    ).update(ended_at=begin)
    edition.in_force_since, edition.approved_by = begin, person
    edition.save()
