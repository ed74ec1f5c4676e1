"""The slot: one UTC minute, the time key of everything measured."""

from datetime import UTC, datetime, timedelta

SLOT_LENGTH = timedelta(minutes=1)


def slot_of(moment: datetime) -> datetime:
    """The start, in UTC, of the slot that an aware moment lies in."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
