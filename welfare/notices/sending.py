"""Sending what is due: claimed, sent a few at a time, and noted. No request of a page waits for it.

A delivery is claimed by `begun_at`, which is committed before anything is sent. Whoever finds one
that was begun long ago knows that a worker was killed: it is sent once more, marked as a repeat.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, transaction
from django.db.models import Case, Min, Q, Value, When
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from welfare.models import Act, Concern, Delivery, Failure, Notice, Told, TrailEntry, Why
from welfare.models.notice import TOLD_FIRST, TOLD_LAST, DeliveryQuerySet
from welfare.notices import channels, texts
from welfare.notices.sight import is_seen_by_recipient

logger = logging.getLogger(__name__)

# So many are claimed, so that each is sent as soon as it is claimed.
AT_ONCE = 4
# After a try that failed; the last one repeats.
PAUSE_MINUTES = (1, 2, 4, 8, 15, 30)
GIVEN_UP_AFTER = timedelta(hours=12)
MOST_TRIES = len(PAUSE_MINUTES) + (
    (GIVEN_UP_AFTER // timedelta(minutes=1) - sum(PAUSE_MINUTES)) // PAUSE_MINUTES[-1]
)
# A task ends, so that the next one can begin.
WORKS_FOR_SECONDS = 50
NOTING_PAUSES_SECONDS = (0, 1, 3, 6, 10)
# Recovery whose first message is under way is looked at again after so long.
RECOVERY_PAUSE = timedelta(minutes=1)
# Longer than the sending of AT_ONCE deliveries, and noting them one after another, can take.
LOST_AFTER = timedelta(seconds=2 * channels.LONGEST_SECONDS + AT_ONCE * sum(NOTING_PAUSES_SECONDS))


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, read before sending. address None: by mail, and `text` is the whole mail."""

    delivery_id: int
    address: str | None
    subject: str
    text: str
    # Known before sending; nothing is sent then.
    failure: Failure | None = None
    channel_id: int | None = None

    def send(self) -> Failure | None:
        if self.failure:
            return self.failure
        if self.address is None:
            return channels.send_mail(self.text)
        return channels.send_to_channel(self.address, self.subject, self.text)


def send_due(clock: Callable[[], datetime], stop: threading.Event | None = None) -> int:
    """Send what is due, until nothing is or the time is up. Returns how many were sent.

    A way that does not answer in time comes after the others, in other tasks too.

    stop: is set when this process is to end. Then only what is being sent is sent.
    """
    begun, sent = time.monotonic(), 0
    hung = hung_ways(clock())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while time.monotonic() - begun < WORKS_FOR_SECONDS and not (stop and stop.is_set()):
            messages = [message_of(delivery) for delivery in claim(clock(), hung)]
            if not messages:
                break
            tries = {pool.submit(message.send): message for message in messages}
            for done in as_completed(tries):
                failure = _failure_of(done)
                sent += failure is None
                if failure == Failure.TIMEOUT:
                    hung.add(tries[done].channel_id)
                _note_surely(tries[done].delivery_id, failure, clock)
    return sent


def _failure_of(done: "Future[Failure | None]") -> Failure | None:
    try:
        return done.result()
    except Exception:
        # Whatever it was, the others go on, and this one is tried again.
        logger.exception("A notice could not be sent")
        return Failure.REJECTED


def hung_ways(now: datetime) -> set[int | None]:
    """Ids of the channels with a delivery that was not answered in time. None is mail.

    It waits for its next try, or another task is still waiting for the answer. One query.
    """
    late = Q(begun_at__lt=now - timedelta(seconds=channels.DEADLINE_SECONDS))
    hanging = Delivery.objects.waiting().filter(late | Q(failure=Failure.TIMEOUT))
    return set(hanging.order_by().values_list("channel", flat=True).distinct())


def claim(now: datetime, hung: Collection[int | None] = ()) -> list[Delivery]:
    """Take deliveries that are due, so that nobody else does. Committed when this returns.

    hung: ids of the channels that come last; None is mail.
    """
    while True:
        found, taken = _claim_some(now, hung)
        # Where all that were found ended without sending, there may be more behind them.
        if taken or not found:
            return taken


def _claim_some(now: datetime, hung: Collection[int | None]) -> tuple[int, list[Delivery]]:
    """(how many were due, those of them to send); AT_ONCE at most."""
    lost = Q(begun_at__lt=now - LOST_AFTER)
    is_hung = Q(channel__in=[way for way in hung if way is not None])
    if None in hung:
        is_hung |= Q(channel=None)
    comes_last = Case(When(is_hung, then=Value(1)), default=Value(0))
    with transaction.atomic():
        due = Delivery.objects.waiting().filter(Q(begun_at=None) | lost, due_at__lte=now)
        locked = due.select_for_update(skip_locked=True, of=("self",)).order_by(
            *([comes_last] if hung else []), "due_at", "pk"
        )
        locked = locked.select_related("channel", "notice__recipient", "notice__night_sheet")
        found, taken = list(locked[:AT_ONCE]), []
        for delivery in found:
            if not is_allowed(delivery):
                delivery.ended_at, delivery.begun_at = now, None
                delivery.save()
                continue
            if delivery.begun_at is not None:
                delivery.times_lost += 1
                if delivery.times_lost > 1:
                    # Sent again at most once.
                    delivery.failure, delivery.failed_at = Failure.LOST, now
                    delivery.ended_at, delivery.begun_at = now, None
                    delivery.save()
                    continue
            elif not is_needed(delivery):
                delivery.ended_at = now
                delivery.save()
                continue
            elif later := waits_until(delivery, now):
                delivery.due_at = later
                delivery.save()
                continue
            delivery.begun_at, delivery.tries = now, delivery.tries + 1
            delivery.save()
            taken.append(delivery)
    return len(found), taken


def is_allowed(delivery: Delivery) -> bool:
    """Whether its channel is still in use and its recipient may still be told.

    A test of a channel always is: an administrator asked for it.
    """
    if delivery.notice is None:
        return True
    if delivery.channel and not delivery.channel.is_on:
        return False
    return delivery.notice.recipient.is_active and is_seen_by_recipient(delivery.notice)


def is_needed(delivery: Delivery) -> bool:
    """Whether it still says something that is so: it may have waited for hours."""
    notice = delivery.notice
    if notice is None or notice.why in (Why.DRILL_DUE, Why.NIGHT):
        return True
    told = Concern.objects.filter(pk__in=notice.told.values("concern"))
    if notice.why in (Why.REMINDER, Why.ESCALATED):
        # Somebody may have taken care of it since it was written.
        untaken = told.open().filter(acknowledged_until=None)
        return untaken.exclude(found_at__gte=notice.made_at).exists()
    if notice.why not in TOLD_LAST:
        return told.open().exists()
    # Recovery is told to those whom the first message has reached, or may still reach. It is not
    # told of what is there again.
    is_over = told.exclude(over_slot=None).exists()
    return is_over and first_messages(notice).filter(ended_at=None).exists()


def waits_until(delivery: Delivery, now: datetime) -> datetime | None:
    """When to look again, as recovery comes after the first message; None: it does not wait.

    Where the first message waits on this way, recovery waits too. A way that fails does not keep
    recovery from those whom another way has told.
    """
    notice = delivery.notice
    if notice is None or notice.why not in TOLD_LAST:
        return None
    first = first_messages(notice)
    waiting = first.waiting()
    if first.exclude(sent_at=None).exists():
        waiting = waiting.filter(channel=delivery.channel_id)
    due_at = waiting.order_by().aggregate(due_at=Min("due_at"))["due_at"]
    return max(due_at, now + RECOVERY_PAUSE) if due_at else None


def first_messages(notice: Notice) -> DeliveryQuerySet:
    """The deliveries that told, or tell, its recipient of the same concerns before this notice."""
    return Delivery.objects.filter(
        notice__lt=notice.pk,
        notice__recipient=notice.recipient_id,
        notice__told__concern__in=notice.told.values("concern"),
        # A reminder is the first one for those whose first message was not needed any more.
        notice__why__in=(*TOLD_FIRST, Why.REMINDER, Why.RECHECK),
    )


def message_of(delivery: Delivery) -> Message:
    """What a claimed delivery sends. Two queries at most, and six more with a night sheet."""
    notice, channel = delivery.notice, delivery.channel
    person = notice.recipient if notice else None
    wish = getattr(person, "wish", None) if person else None
    with translation.override(wish.language if wish else settings.LANGUAGE_CODE):
        if notice:
            subject, text = notice.subject, notice.text
        else:
            subject = f"{texts.PREFIX} {_('Test of a channel')}"
            text = _("This channel works. An administrator asked for this message.")
        if channel:
            if delivery.may_be_a_repeat:
                text = texts.repeated(text)
            return Message(delivery.pk, channel.address, subject, text, channel_id=channel.pk)
        address = person.email if person else ""
        if not address:
            return Message(delivery.pk, None, "", "", Failure.NO_ADDRESS)
        file = _file_of(notice)
        mail = texts.mail(notice, address, subject, text, delivery.may_be_a_repeat, file)
        return Message(delivery.pk, None, subject, mail)


def _file_of(notice: Notice | None) -> texts.File | None:
    """The night sheet that goes with a notice, as its recipient may see it now."""
    if notice is None or notice.night_sheet is None:
        return None
    # What makes PDF files takes memory, and most processes never make one.
    from welfare.night import mailing

    return mailing.file_of(notice.night_sheet, notice.recipient, timezone.now())


def note_result(delivery_id: int, failure: Failure | None, now: datetime) -> None:
    """Write down what came of a try."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
        if delivery is None or delivery.begun_at is None:
            return
        delivery.begun_at = None
        if failure is None:
            delivery.sent_at, delivery.failure = now, ""
            _note_in_trails(delivery, now)
        else:
            delivery.failure, delivery.failed_at = failure, now
            pause = PAUSE_MINUTES[min(delivery.tries, len(PAUSE_MINUTES)) - 1]
            delivery.due_at = now + timedelta(minutes=pause)
            if delivery.tries >= MOST_TRIES:
                delivery.ended_at = now
        delivery.save()


def _note_in_trails(delivery: Delivery, now: datetime) -> None:
    if delivery.notice is None:
        return
    who = delivery.notice.recipient.get_username()
    way = delivery.channel.name if delivery.channel else "mail"
    # A first message about what is over has told of the concern for two reasons.
    told = Told.objects.filter(notice=delivery.notice_id).order_by().values("concern").distinct()
    TrailEntry.objects.bulk_create(
        TrailEntry(concern_id=one["concern"], act=Act.TOLD, at=now, text=f"{who} ({way})")
        for one in told
    )


def _note_surely(delivery_id: int, failure: Failure | None, clock: Callable[[], datetime]) -> None:
    """Note it even if the database is away for a moment, or it would be sent again."""
    for pause in NOTING_PAUSES_SECONDS:
        time.sleep(pause)
        try:
            note_result(delivery_id, failure, clock())
            return
        except DatabaseError as error:
            logger.warning("The result of a delivery is not noted yet: %s", error)
            close_old_connections()
