"""One minute in context: what a link from a lab book opens."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from cages.models import Cage, Poll
from cages.slots import SLOT_LENGTH, slot_of

# What is shown before and after the minute.
AROUND = timedelta(minutes=10)


def moment_of(text: str) -> datetime:
    """The aware moment, in UTC, that an ISO 8601 text means; in facility time without an offset.

    Raises ValueError where it means none.
    """
    moment = datetime.fromisoformat(text)
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=timezone.get_default_timezone())
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of the calendar") from error


def slot_from(text: str) -> datetime | None:
    """The slot that `?at=2026-03-02T03:14` means, or None."""
    if "T" not in text:
        return None
    try:
        # In a query a "+" of an offset arrives as a blank.
        return slot_of(moment_of(text.strip().replace(" ", "+")))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Moment:
    """`poll` is None where the cage was not watched in this slot."""

    slot: datetime
    poll: Poll | None
    is_meant: bool


def around(cage: Cage, slot: datetime, now: datetime) -> list[Moment]:
    """Return the Moments around a slot, oldest first. One query.

    None of them is before the cage was created. The minute under way is one only once it is polled.
    """
    first = max(slot - AROUND, slot_of(cage.created_at))
    last = min(slot + AROUND, slot_of(now))
    polls = Poll.objects.filter(cage=cage, slot__gte=first, slot__lte=last)
    by_slot = {poll.slot: poll for poll in polls}
    slots = [first + number * SLOT_LENGTH for number in range((last - first) // SLOT_LENGTH + 1)]
    known = [one for one in slots if one < slot_of(now) or one in by_slot]
    return [Moment(one, by_slot.get(one), one == slot) for one in known]
