"""Whether mail and the channels work: for the operations page, and a concern of their own."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q
from django.utils.translation import gettext as _

from cages.operations import verdict
from cages.operations.verdict import Findings, Part, State
from cages.slots import slot_of
from welfare import desk
from welfare.models import Act, Concern, Delivery, Ending, Failure, Kind
from welfare.models.notice import OF_ONE_PERSON
from welfare.rules.scopes import Scopes

# One failed try may be chance. The second one comes after a minute, so it is known within five.
TRIES_UNTIL_FAILING = 2
# Where a mail server begins to refuse so many addresses and takes no other, it is its fault.
PEOPLE_UNTIL_FAILING = 2


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


@dataclass(frozen=True, slots=True)
class Refused:
    """A person for whose address the mail server takes no mail.

    since: when the first mail was made of those that it refused since one was sent to them.
    """

    username: str
    since: datetime
    failed_at: datetime


def refused() -> list[Refused]:
    """The people whose addresses are refused, by name. One query."""
    mails = Delivery.objects.filter(channel=None)
    sent_later = mails.filter(
        notice__recipient=OuterRef("notice__recipient"), sent_at__gte=OuterRef("made_at")
    )
    refusals = mails.filter(
        ~Exists(sent_later),
        sent_at=None,
        failure=Failure.REFUSED_ADDRESS,
        tries__gte=TRIES_UNTIL_FAILING,
        notice__recipient__is_active=True,
    )
    people = refusals.values_list("notice__recipient__username").annotate(
        since=Min("made_at"), failed=Max("failed_at")
    )
    return [Refused(*row) for row in people.order_by("notice__recipient__username")]


def failing() -> list[Failing]:
    """The ways that fail, mail first. What is wrong with one account is not the way's fault.

    Three queries at most.
    """
    is_of_one = Q(failure__in=OF_ONE_PERSON)
    is_failed = Q(sent_at=None, tries__gte=TRIES_UNTIL_FAILING, failed_at__isnull=False)
    ways = Delivery.objects.order_by().values_list("channel", "channel__name", "channel__is_on")
    rows = ways.annotate(
        sent=Max("sent_at"), failed=Max("failed_at", filter=is_failed & ~is_of_one)
    )
    rows_of = {row[0]: row for row in rows.annotate(of_one=Count("pk", filter=is_of_one))}
    bad = {
        channel: (name, failed)
        for channel, name, is_on, sent, failed, _of_one in rows_of.values()
        if failed and (sent is None or sent < failed) and is_on is not False
    }
    found = []
    if None not in bad and None in rows_of:
        *_others, mailed_at, _failed, of_one = rows_of[None]
        found = _refusing_everybody(mailed_at) if of_one >= PEOPLE_UNTIL_FAILING else []
    if not bad:
        return found
    newest = Delivery.objects.filter(
        ~is_of_one, failed_at__in=[failed for _name, failed in bad.values()]
    )
    reasons = {one.channel_id: Failure(one.failure) for one in newest.exclude(failure="")[:200]}
    found += [
        Failing(channel, name or "", failed, reasons.get(channel, Failure.REJECTED))
        for channel, (name, failed) in bad.items()
    ]
    return sorted(found, key=lambda one: (one.channel_id is not None, one.name))


def _refusing_everybody(mailed_at: datetime | None) -> list[Failing]:
    """Mail, if it is refused to several people since it was last sent to anybody.

    Those who were refused before that, while others were reached, are not counted.
    """
    since = [one for one in refused() if mailed_at is None or one.since > mailed_at]
    if len(since) < PEOPLE_UNTIL_FAILING:
        return []
    return [Failing(None, "", min(one.failed_at for one in since), Failure.REJECTED)]


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
