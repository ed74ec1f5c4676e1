"""The slot: one UTC minute, the time key of everything measured."""

from datetime import UTC, datetime, timedelta

SLOT_LENGTH = timedelta(minutes=1)
# Nothing was measured outside. Near the years 1 and 9999 moments exist only in some time zones.
FIRST_YEAR, LAST_YEAR = 1970, 2999
# The clocks of several machines agree within this. What is further ahead of now than that was
# recorded while a clock was wrong, or a clock is wrong now.
FUTURE_TOLERANCE = timedelta(minutes=1)


def slot_of(moment: datetime) -> datetime:
    """The start, in UTC, of the slot that an aware moment lies in."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def slot_from(moment: datetime) -> datetime:
    """The start, in UTC, of the first slot that begins at the aware moment or later."""
    slot = slot_of(moment)
    return slot if slot == moment else slot + SLOT_LENGTH


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Whether the moment is more than FUTURE_TOLERANCE ahead of now. Then a clock is wrong."""
    return moment > now + FUTURE_TOLERANCE
