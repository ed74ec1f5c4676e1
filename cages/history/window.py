"""The span a page shows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

from django.utils import timezone

from cages.slots import SLOT_LENGTH, slot_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def midnight_of(day: date, zone: tzinfo) -> datetime:
    """The moment, in UTC, at which the date begins in the zone.

    The first midnight where the clock is set back over it, as in Havana and on the Azores.
    """
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to but not including `end`, both aware and full minutes."""

    start: datetime
    end: datetime

    @classmethod
    def today(cls, now: datetime, zone: tzinfo | None = None) -> Self:
        """The minutes since midnight that are over.

        zone: the facility's unless given. Days of 23 and 25 hours are right too.
        """
        zone = zone or timezone.get_default_timezone()
        day = now.astimezone(zone).date()
        return cls.of_days(day, day, now, zone)

    @classmethod
    def of_days(cls, first: date, last: date, now: datetime, zone: tzinfo | None = None) -> Self:
        """The facility's days from `first` to `last`, both included, up to the last full minute.

        Empty where they are all to come.
        """
        zone = zone or timezone.get_default_timezone()
        end = slot_of(now)
        begin = min(midnight_of(first, zone), end)
        return cls(start=begin, end=max(begin, min(midnight_of(last + DAY, zone), end)))

    @classmethod
    def whole_day(cls, day: date, zone: tzinfo | None = None) -> Self:
        """One facility day, from midnight to midnight, over or not."""
        zone = zone or timezone.get_default_timezone()
        return cls(start=midnight_of(day, zone), end=midnight_of(day + DAY, zone))

    def since(self, moment: datetime) -> "Window":
        """The part from the moment's slot on: a cage has no minutes before it was created."""
        return Window(min(max(self.start, slot_of(moment)), self.end), self.end)

    @property
    def minutes(self) -> int:
        """How many slots lie in the window."""
        return (self.end - self.start) // SLOT_LENGTH

    def days(self, zone: tzinfo | None = None) -> "list[tuple[date, Window]]":
        """[(date, the Window's part of that facility day)], oldest first; 23 and 25 hours too."""
        zone = zone or timezone.get_default_timezone()
        day, days = self.start.astimezone(zone).date(), []
        while self.minutes and midnight_of(day, zone) < self.end:
            whole = Window.whole_day(day, zone)
            days.append((day, Window(max(whole.start, self.start), min(whole.end, self.end))))
            day += DAY
        return days

    def hours(self) -> "list[Window]":
        """The Window's parts of the UTC hours, oldest first."""
        hour, hours = self.start.replace(minute=0), []
        while self.minutes and hour < self.end:
            hours.append(Window(max(hour, self.start), min(hour + HOUR, self.end)))
            hour += HOUR
        return hours


def merged(spans: Iterable[Window]) -> Iterator[Window]:
    """The spans, which are in order of their starts, with those that touch or overlap as one."""
    now: Window | None = None
    for span in spans:
        if now and span.start <= now.end:
            now = Window(now.start, max(now.end, span.end))
        else:
            if now:
                yield now
            now = span
    if now:
        yield now
