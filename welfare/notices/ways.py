"""Whether mail and the channels work: for the operations page, and a concern of their own."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from cages.operations import verdict
from cages.operations.verdict import Findings, Part, State
from cages.slots import slot_of
from welfare import desk
from welfare.models import Act, Concern, Delivery, Ending, Failure, Kind
from welfare.rules.scopes import Scopes

# One failed try may be chance. The second one comes after a minute, so it is known within five.
TRIES_UNTIL_FAILING = 2


@dataclass(frozen=True, slots=True)
class Failing:
    """A way on which nothing was sent since its newest try failed. channel_id None: mail."""

    channel_id: int | None
    name: str
    since: datetime
    failure: Failure

    @property
    def subject(self) -> str:
        return f"channel:{self.channel_id}" if self.channel_id else "mail"


def failing() -> list[Failing]:
    """The ways that fail, mail first. A missing address of one account is not the way's fault.

    Two queries.
    """
    counted = Delivery.objects.exclude(failure=Failure.NO_ADDRESS)
    is_failed = Q(sent_at=None, tries__gte=TRIES_UNTIL_FAILING, failed_at__isnull=False)
    ways = counted.order_by().values_list("channel", "channel__name", "channel__is_on")
    rows = ways.annotate(sent=Max("sent_at"), failed=Max("failed_at", filter=is_failed))
    bad = {
        channel: (name, failed)
        for channel, name, is_on, sent, failed in rows
        if failed and (sent is None or sent < failed) and is_on is not False
    }
    if not bad:
        return []
    newest = counted.filter(failed_at__in=[failed for _name, failed in bad.values()])
    reasons = {one.channel_id: Failure(one.failure) for one in newest.exclude(failure="")[:200]}
    found = [
        Failing(channel, name or "", failed, reasons.get(channel, Failure.REJECTED))
        for channel, (name, failed) in bad.items()
    ]
    return sorted(found, key=lambda one: (one.channel_id is not None, one.name))


def judge_ways(now: datetime) -> None:
    """Raise a concern for each way that fails, and end those of ways that work again.

    Nothing is done while the rule is off: `welfare.parts` then closes what was raised.
    """
    if Scopes.at(slot_of(now)).of(Kind.NEUROCAGE) is None:
        return
    ill = {one.subject: one for one in failing()}
    lasting = Concern.objects.filter(kind=Kind.NEUROCAGE, over_slot=None, is_drill=False)
    lasting = lasting.filter(Q(subject="mail") | Q(subject__startswith="channel:"))
    with transaction.atomic():
        locked = {one.subject: one for one in lasting.select_for_update().order_by("pk")}
        for subject, concern in locked.items():
            if subject not in ill:
                concern.over_slot = slot_of(now)
                desk.note(concern, Act.OVER, now)
                if concern.is_open:
                    desk.close_by_itself([concern], Ending.BY_ITSELF, now)
                else:
                    concern.save()
        for subject, one in ill.items():
            if subject not in locked:
                desk.raise_itself(subject, one.since, now)


def ways_part(findings: Findings) -> Part | None:
    """Mail and channels, for the operations page. None where nothing was ever sent."""
    name, ill = _("Notices"), failing()
    if not ill:
        if not Delivery.objects.exclude(sent_at=None).exists():
            return None
        return Part(name, State.WELL, _("They are sent."))
    told = [f"{one.name or _('Mail')}: {one.failure.label}" for one in ill]
    return Part(name, State.ILL, "; ".join(told) + ".", min(one.since for one in ill), True)


verdict.MORE_PARTS.append(ways_part)
