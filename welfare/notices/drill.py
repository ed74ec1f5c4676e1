"""Drills: a marked test concern goes through the real chain, and its times are kept.

Drills are in no statistics. They are told as what a person has seen at a cage is: to people on
duty, at night too, and to those who wish to know of such concerns. An acknowledgement ends one.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Min

from people.models import User
from welfare import desk
from welfare.models import Concern, Delivery, Notice, NoticeSettings, Why
from welfare.models.notice import DRILL_DUE_AFTER
from welfare.notices.texts import drill_is_due

SUBJECT = "drill"
DRILLS_SHOWN = 12
ADMINISTRATORS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Times:
    """When a drill was raised, first sent, and first acknowledged. None: not yet, or never."""

    concern: Concern
    sent_at: datetime | None

    @property
    def seen_at(self) -> datetime | None:
        return self.concern.seen_at


def begin(person: User, now: datetime) -> Concern:
    """Raise a drill. One that is still open is closed first: it was not acknowledged."""
    return desk.open_drill(SUBJECT, person, now)


def newest() -> list[Times]:
    """The newest drills. Two queries."""
    concerns = list(Concern.objects.filter(is_drill=True).order_by("-pk")[:DRILLS_SHOWN])
    sent = Delivery.objects.exclude(sent_at=None).filter(notice__told__concern__in=concerns)
    rows = sent.order_by().values_list("notice__told__concern").annotate(first=Min("sent_at"))
    first = dict(rows)
    return [Times(concern, first.get(concern.pk)) for concern in concerns]


def is_due(now: datetime) -> bool:
    """Whether the last drill is too long ago. Before the first one, it is."""
    recent = Concern.objects.filter(is_drill=True, raised_at__gt=now - DRILL_DUE_AFTER)
    return not recent.exists()


def remind(now: datetime) -> None:
    """Remind the administrators that a drill is due, at most once in DRILL_DUE_AFTER.

    Only where somebody has been told anything before: on a new installation there is nothing to
    drill yet.
    """
    with transaction.atomic():
        row = NoticeSettings.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if row is None or not Notice.objects.exists():
            return
        last = row.drill_reminded_at
        if (last and now - last < DRILL_DUE_AFTER) or not is_due(now):
            return
        row.drill_reminded_at = now
        row.save()
        for person in User.objects.administrators().select_related("wish")[:ADMINISTRATORS_AT_MOST]:
            wish = getattr(person, "wish", None)
            subject, text = drill_is_due(wish.language if wish else "")
            notice = Notice.objects.create(
                recipient=person, why=Why.DRILL_DUE, subject=subject, text=text, made_at=now
            )
            if wish and wish.by_mail:
                Delivery.objects.create(notice=notice, made_at=now, due_at=now)
