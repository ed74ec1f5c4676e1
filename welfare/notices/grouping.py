"""Making notices: what is due for a person, put together so that one cause is one message."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation

from welfare.models import (
    Act,
    Concern,
    Delivery,
    Kind,
    Notice,
    NoticeSettings,
    Told,
    Why,
)
from welfare.models.notice import TOLD_FIRST, TOLD_LAST
from welfare.notices import texts
from welfare.notices.due import Due, Known, due_for, read
from welfare.notices.duty import Recipient, recipients

# Told by one message as one cause: why, after what, kind, whether a drill, whether it lasts. A
# recheck and an escalation are about one concern or few.
Group = tuple[Why, Act | None, str, bool, bool]


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be made. main: the concern that names the cause; it comes first."""

    recipient: Recipient
    why: Why
    dues: list[Due]

    @property
    def concerns(self) -> list[Concern]:
        return [due.concern for due in self.dues]


@transaction.atomic
def make_notices(now: datetime) -> int:
    """Make what is due, with its deliveries. Returns how many notices.

    Only one worker does this at a time: another one returns 0 and leaves it to the first.
    """
    NoticeSettings.objects.get_or_create(pk=1)
    gate = NoticeSettings.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    if gate is None:
        return 0
    known = read(
        now,
        timedelta(minutes=gate.escalates_after_minutes),
        timedelta(minutes=gate.collects_for_minutes),
    )
    if not known.concerns:
        return 0
    failing = {
        concern.subject
        for concern in known.concerns
        if concern.kind == Kind.NEUROCAGE and concern.is_open and not concern.is_drill
    }
    made = 0
    for one in recipients(now):
        for draft in drafts_of(one, due_for(one, known, now), known, now):
            _write(draft, failing, now)
            made += 1
    return made


def drafts_of(one: Recipient, dues: list[Due], known: Known, now: datetime) -> list[Draft]:
    """Put what is due for one person together. What a silent place explains goes with the place."""
    groups: dict[Group, list[Due]] = {}
    explained: dict[int, list[Due]] = {}
    with_place = {due.concern.pk for due in dues}
    for due in dues:
        # Who is asked to look at a cage is asked for it, whatever was said of the place before.
        asks = due.why in (Why.BY_EYE, Why.ESCALATED)
        place = None if asks else known.place_of(due.concern)
        key = due.concern.kind
        if place is not None:
            if due.why in TOLD_LAST and place.lasts and _was_told(one, place, Why.RAISED, known):
                # It is told with the place.
                continue
            if _was_told(one, place, due.why, known):
                explained.setdefault(place.pk, []).append(due)
                continue
            if place.pk in with_place:
                key = place.kind
        group = (due.why, due.after, str(key), due.concern.is_drill, due.concern.lasts)
        groups.setdefault(group, []).append(due)
    for place_id, found in explained.items():
        _note(one, found, place_id, now)
    return [Draft(one, why, _main_first(found)) for (why, *_), found in groups.items()]


def _main_first(dues: list[Due]) -> list[Due]:
    """The place before the cages that it explains; else in the order of the desk."""
    return sorted(dues, key=lambda due: due.concern.kind != Kind.PLACE_SILENT)


def _was_told(one: Recipient, place: Concern, why: Why, known: Known) -> bool:
    """Whether a message about the place has said, for this reason, all that a cage's would say.

    While the place is silent, reminders of it stand for those of its cages.
    """
    reasons = {told_why for told_why, _number in known.of(place, one.person.pk)}
    if why == Why.REMINDER:
        return place.is_open and place.lasts and bool(reasons)
    if why == Why.RAISED:
        return not reasons.isdisjoint(TOLD_FIRST)
    if why in TOLD_LAST:
        return not reasons.isdisjoint(TOLD_LAST)
    return why in reasons


def _note(one: Recipient, dues: list[Due], place_id: int, now: datetime) -> None:
    """Note that the message about the place has told of these concerns."""
    of_place = Notice.objects.filter(recipient=one.person, told__concern=place_id)
    _told(of_place.order_by("-pk")[0], one, dues, now)


def _told(notice: Notice, one: Recipient, dues: Iterable[Due], now: datetime) -> None:
    """Note what was told. A first message about what is over has said that too."""
    Told.objects.bulk_create(
        Told(
            notice=notice,
            recipient=one.person,
            concern=due.concern,
            why=why,
            episode=due.episode,
            number=due.number,
            at=now,
        )
        for due in dues
        for why in _reasons(due)
    )


def _all_wait(draft: Draft, quiet: datetime) -> bool:
    """Whether of each of these concerns something waits that says as much until `quiet` ends."""
    ids = {concern.pk for concern in draft.concerns}
    waiting = Delivery.objects.waiting().filter(
        notice__recipient=draft.recipient.person,
        notice__why__in=(*TOLD_FIRST, Why.REMINDER),
        notice__told__concern__in=ids,
        # What is only tried again may have been sent by another way.
        due_at__gte=quiet,
    )
    return ids <= set(waiting.order_by().values_list("notice__told__concern", flat=True))


def _reasons(due: Due) -> list[Why]:
    is_all = due.why == Why.RAISED and not due.concern.lasts
    return [Why.RAISED, Why.OVER] if is_all else [due.why]


def _write(draft: Draft, failing: set[str], now: datetime) -> None:
    one, concerns = draft.recipient, draft.concerns
    with translation.override(one.wish.language or settings.LANGUAGE_CODE):
        subject, text = texts.write(concerns, draft.why, now, draft.dues[0].after)
    notice = Notice.objects.create(
        recipient=one.person,
        why=draft.why,
        subject=subject,
        text=text,
        made_at=now,
        is_drill=concerns[0].is_drill,
    )
    _told(notice, one, draft.dues, now)
    quiet = one.quiet_until(now)
    due_at = now
    if quiet is not None and not one.may_be_woken_by(concerns):
        if draft.why == Why.REMINDER and _all_wait(draft, quiet):
            # When quiet hours end, the message that has waited says it.
            return
        due_at = quiet
    # A way that fails does not tell of itself.
    without = failing if any(concern.subject in failing for concern in concerns) else set()
    Delivery.objects.bulk_create(
        Delivery(notice=notice, channel=way, made_at=now, due_at=due_at)
        for way in one.ways(without)
    )
