"""Rules, notices, duty, channels and drills for the tests of pages in a browser."""

from datetime import timedelta

from cages.models import Room
from tests.welfare.conftest import add_default_rules
from welfare.models import (
    Channel,
    Delivery,
    DutyShift,
    Failure,
    Kind,
    Notice,
    Rule,
    RuleEdition,
    Why,
    Wish,
)
from welfare.notices import drill
from welfare.rules import editions
from welfare.rules.editions import Texts
from welfare.rules.parameters import BadLong, pack

# The pages that `add_welfare` fills.
ADDRESSES = [
    "/concerns/rules/",
    "/concerns/rules/new/",
    "/concerns/rules/900/",
    "/notices/",
    "/notices/wish/",
    "/notices/duty/",
    "/notices/channels/",
    "/notices/drill/",
]


def add_welfare(person, other, now):
    """Something on each of ADDRESSES: two people, the facility's rules and one of a room."""
    add_default_rules()
    rule = Rule.objects.create(pk=900, kind=Kind.BAD_LONG, room=Room.objects.get(name="R2"))
    RuleEdition.objects.create(
        rule=rule,
        parameters=pack(BadLong(share_percent=80)),
        cause="The animals of this room are old.",
        proposed_by=other,
        proposed_at=now - timedelta(days=9),
        approved_by=person,
        in_force_since=now - timedelta(days=9),
    )
    editions.propose(rule, other, BadLong(), Texts(), True, now)

    way = Channel.objects.create(
        name="Vets' chat", address="json://chat.example.org/x", made_by=person, made_at=now
    )
    Channel.objects.create(
        name="Old pager", address="json://pager.example.org", is_on=False, made_at=now
    )
    Wish.objects.create(person=person, kinds=list(Kind), by_mail=True, channel=way)
    for place, one in enumerate((person, other), 1):
        DutyShift.objects.create(
            person=one, place=place, starts_at=now, ends_at=now + timedelta(hours=12)
        )
    add_notices(person, way, now)
    drill.begin(person, now)


def add_notices(person, way, now):
    """Three notices: sent, failed for now, and one that was read."""
    texts = (
        (Why.RAISED, "[Neurocage] B-07 Bad for 34 min (26 of 27 known) · Room 2", None),
        (Why.ESCALATED, "[Neurocage] Rack B: 38 of 40 silent · Room 2", None),
        (Why.OVER, "[Neurocage] C-01: over · Room 2", now),
    )
    for why, subject, read_at in texts:
        notice = Notice.objects.create(
            recipient=person, why=why, subject=subject, read_at=read_at, made_at=now,
            text="Since 02:14. Look at the cage.\n\nhttps://neurocage.example.org/concerns/900/",
        )  # fmt: skip
        Delivery.objects.create(notice=notice, made_at=now, due_at=now, sent_at=now, tries=1)
        Delivery.objects.create(
            notice=notice, channel=way, made_at=now, due_at=now, tries=2,
            failure=Failure.TIMEOUT, failed_at=now,
        )  # fmt: skip
