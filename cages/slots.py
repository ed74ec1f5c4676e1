"""The slot: one UTC minute, the time key of everything measured."""

from datetime import UTC, timedelta

SLOT_LENGTH = timedelta(minutes=1)


def slot_of(moment):
    """The slot that an aware moment lies in, as the aware moment of its start."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
