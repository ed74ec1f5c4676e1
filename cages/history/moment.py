"""One minute in context: what a link from a lab book opens."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from cages.models import Poll
from cages.slots import slot_of

# So many minutes before and after are shown beside it.
AROUND = timedelta(minutes=10)


def moment_of(text):
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


def slot_from(text):
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


def around(cage, slot, now):
    """Return the Moments around a slot, oldest first. One query.

    None of them is in the future, or before the cage was created.
    """
    first = max(slot - AROUND, slot_of(cage.created_at))
    last = min(slot + AROUND, slot_of(now))
    polls = Poll.objects.filter(cage=cage, slot__gte=first, slot__lte=last)
    by_slot = {poll.slot: poll for poll in polls}
    count = max(int((last - first) / timedelta(minutes=1)) + 1, 0)
    slots = [first + number * timedelta(minutes=1) for number in range(count)]
    return [Moment(one, by_slot.get(one), one == slot) for one in slots]
