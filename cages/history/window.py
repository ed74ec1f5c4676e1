"""The span a page shows."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone

from cages.slots import SLOT_LENGTH, slot_of


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to but not including `end`, both aware and full minutes."""

    start: datetime
    end: datetime

    @classmethod
    def today(cls, now, zone=None):
        """Since facility midnight; only minutes that are over, so that the parts add up.

        zone: a tzinfo, the facility's unless given. Right on days of 23 and 25 hours.
        """
        zone = zone or timezone.get_default_timezone()
        midnight = datetime.combine(now.astimezone(zone).date(), time.min, tzinfo=zone)
        end = slot_of(now)
        return cls(start=min(midnight.astimezone(UTC), end), end=end)

    @classmethod
    def last_hours(cls, hours, now):
        """So many full hours of minutes that are over."""
        end = slot_of(now)
        return cls(start=end - timedelta(hours=hours), end=end)

    @property
    def with_minute_under_way(self):
        """One minute longer. Its reading may be known already; a spell counts it, no share does."""
        return Window(self.start, self.end + SLOT_LENGTH)

    @property
    def minutes(self):
        """How many slots lie in the window."""
        return (self.end - self.start) // SLOT_LENGTH
