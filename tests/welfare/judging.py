"""Let minutes pass: record them as the recorder does, and judge each when its cycle has ended."""

from datetime import timedelta

from cages.models import Health, Outcome, PollCycle
from cages.polling.recorder import record
from tests.factories import MINUTE, result_of
from welfare import judge
from welfare.models import Concern, ConditionEdge, RuleEdition
from welfare.rules.parameters import CLASSES, pack

B, O, P, N, S = Health.BAD, Health.OK, Health.PERFECT, Outcome.UNAVAILABLE, Outcome.SKIPPED  # noqa: E741
SECONDS = timedelta(seconds=50)


def pass_minute(slot, polls, judges=True):
    """polls: {cage: Health or Outcome} of one minute."""
    PollCycle.objects.get_or_create(slot=slot, defaults={"started_at": slot, "planned": len(polls)})
    record(slot, [result_of(cage, ended) for cage, ended in polls.items()], now=slot + SECONDS)
    if judges:
        judge.judge(slot, slot + SECONDS)


def pass_minutes(first, story):
    """story: {cage: [Health or Outcome, or None where Neurocage did not run]}, all of one length.

    Returns the slot after the last one.
    """
    for number, polls in enumerate(zip(*story.values(), strict=True)):
        asked = {c: p for c, p in zip(story, polls, strict=True) if p is not None}
        if asked:
            pass_minute(first + number * MINUTE, asked)
    return first + (number + 1) * MINUTE


def edges_of(cage):
    """[(slot, whether it begins)] of Bad for long."""
    edges = ConditionEdge.objects.filter(concern__cage=cage, concern__kind="bad_long")
    return list(edges.order_by("slot").values_list("slot", "begins"))


def open_concerns(kind=None):
    found = Concern.objects.open().order_by("pk")
    return list(found.filter(kind=kind) if kind else found)


def set_rule(kind, since, lab=None, room=None, is_on=True, **parameters):
    """Put an edition of a rule in force from then on."""
    from welfare.models import Rule

    rule, _ = Rule.objects.get_or_create(kind=kind, lab=lab, room=room)
    rule.editions.filter(ended_at=None).update(ended_at=since)
    return RuleEdition.objects.create(
        rule=rule,
        is_on=is_on,
        parameters=pack(CLASSES[kind](**parameters)),
        proposed_at=since,
        in_force_since=since,
    )
