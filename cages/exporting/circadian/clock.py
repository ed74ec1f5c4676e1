"""What the times in a circadian file count from. These formats have no place for an offset."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that is never set forward or back, so that no time of it comes twice or is missing.

    offset: what to add to UTC. name: how a file says it, such as "UTC+01:00" or "ZT".
    """

    offset: timedelta
    name: str

    @classmethod
    def standard(cls, zone: tzinfo, start: datetime) -> Self:
        """The zone's standard time at `start`, without summer time, also in summer."""
        local = start.astimezone(zone)
        offset = (local.utcoffset() or timedelta()) - (local.dst() or timedelta())
        minutes = abs(offset) // timedelta(minutes=1)
        sign = "-" if offset < timedelta() else "+"
        return cls(offset, f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}")

    @classmethod
    def zeitgeber(cls, lights_on: datetime) -> Self:
        """Zeitgeber time: the clock shows 00:00 at the moment `lights_on` and every 24 hours."""
        utc = lights_on.astimezone(UTC)
        since_midnight = utc - utc.replace(hour=0, minute=0, second=0, microsecond=0)
        # The shorter way, so that the dates are those of the facility as far as can be.
        shift = since_midnight if since_midnight <= DAY / 2 else since_midnight - DAY
        return cls(-shift, "ZT")

    def shows(self, moment: datetime) -> datetime:
        """What the clock shows, as a time without a zone."""
        return moment.astimezone(UTC).replace(tzinfo=None) + self.offset
