"""One minute in context: what a link from a lab book opens."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from django.utils import timezone
from django.utils.translation import gettext as _

from cages.history.wall_clock import around_gap, readings_of
from cages.history.window import midnight_of
from cages.models import Cage, Poll
from cages.slots import FIRST_YEAR, LAST_YEAR, SLOT_LENGTH, slot_of

# What is shown before and after the minute.
AROUND = timedelta(minutes=10)
SHOWN_OF_A_TEXT = 40
# "2026-03-02T24:00". Only some versions of Python read it.
END_OF_DAY = re.compile("[0-9W-]{8,10}[^0-9+-]24")


class NotATime(ValueError):
    """A text that means no moment, or two. Its message is a sentence for the person who wrote it.

    The sentence is in the language of the page.
    """


def moment_of(text: str) -> datetime:
    """The aware moment, in UTC, that an ISO 8601 text means; in facility time without an offset.

    A date means the beginning of the day. Raises NotATime.
    """
    shown = text[:SHOWN_OF_A_TEXT]
    try:
        if END_OF_DAY.match(text):
            raise NotATime(_("%(text)s: write 24:00 as 00:00 of the next day.") % {"text": shown})
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        if isinstance(error, NotATime):
            raise
        words = _("%(text)r is not a time like 2026-03-02T07:00:00Z or 2026-03-02.")
        raise NotATime(words % {"text": shown}) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise NotATime(bad_year())
    if timezone.is_naive(moment):
        moment = midnight_of(moment.date(), _zone()) if _is_date(text) else _only_reading(moment)
    return moment.astimezone(UTC)


def bad_year() -> str:
    """What is wrong with a year that nothing was measured in."""
    return _("Write a year from %(first)s to %(last)s.") % {"first": FIRST_YEAR, "last": LAST_YEAR}


def _zone() -> tzinfo:
    return timezone.get_default_timezone()


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _only_reading(clock: datetime) -> datetime:
    """The moment at which the facility's clock shows a naive time. Raises NotATime."""
    found = readings_of(clock)
    if len(found) == 1:
        return found[0]
    words = (
        _("%(clock)s comes twice in %(zone)s. Write %(first)s or %(second)s.")
        if found
        else _(
            "%(clock)s never comes in %(zone)s: the clock is set forward. "
            "Write %(first)s or %(second)s."
        )
    )
    first, second = (moment.isoformat() for moment in found or around_gap(clock))
    told = {"clock": clock.isoformat(), "zone": str(_zone()), "first": first, "second": second}
    raise NotATime(words % told)


def slot_from(text: str) -> datetime:
    """The slot that `?at=2026-03-02T03:14` means. Raises NotATime."""
    # In a query a "+" of an offset arrives as a blank.
    return slot_of(moment_of(text.strip().replace(" ", "+")))


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
