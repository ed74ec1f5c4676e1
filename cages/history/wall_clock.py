"""The clock on the facility's wall: where it shows one time twice, and where it leaves times out.

In autumn the clock is set back, so one hour has the same name twice. On Lord Howe Island it is half
an hour, and some zones are set back over midnight.
"""

from datetime import UTC, datetime, timedelta, tzinfo

from django.utils import timezone

from cages.history.window import DAY, Window
from cages.slots import SLOT_LENGTH


def readings_of(clock: datetime, zone: tzinfo | None = None) -> list[datetime]:
    """The moments at which the wall shows this naive time, in the zone and the earlier one first.

    Two where the time comes twice, none where it is left out. zone: the facility's unless given.
    """
    first, second = _either(clock, zone or timezone.get_default_timezone())
    if first.utcoffset() == second.utcoffset():
        return [first]
    return [first, second] if _offset(first) > _offset(second) else []


def around_gap(clock: datetime, zone: tzinfo | None = None) -> list[datetime]:
    """What a time that is left out may mean: by the clock after the change, and by the one before.

    Both are in the zone, the earlier one first.
    """
    zone = zone or timezone.get_default_timezone()
    first, second = _either(clock, zone)
    return [moment.astimezone(UTC).astimezone(zone) for moment in (second, first)]


def moment_on(clock: datetime, zone: tzinfo) -> datetime:
    """When, in UTC, a clock in the zone comes to this naive time: the first of two.

    A time that is left out is passed when the clock is set. So a later time never comes first.
    """
    if shown := readings_of(clock, zone):
        return shown[0].astimezone(UTC)
    _before, after = _either(clock, zone)
    return _change_within(after.astimezone(UTC), zone)


def name_if_twice(moment: datetime) -> str:
    """What tells an aware moment from the one that the wall shows the same time for.

    "CEST", or the offset "+03:00" where both have one name; "" for times that come once.
    """
    local = timezone.localtime(moment)
    first, second = _either(local, local.tzinfo)
    if first.utcoffset() == second.utcoffset():
        return ""
    names = {first.tzname(), second.tzname()}
    return local.tzname() or "" if len(names) == 2 else local.isoformat()[-6:]


def doubled_spans(window: Window) -> list[tuple[datetime, datetime, str]]:
    """[(start, end, name)] of the spans around the window whose times come twice.

    Two for each time that the clock is set back: before and after that moment.
    """
    zone, spans = timezone.get_default_timezone(), []
    day = window.start - DAY
    while day < window.end + DAY:
        if _offset(day.astimezone(zone)) > _offset((day + DAY).astimezone(zone)):
            change = _change_within(day, zone)
            before, after = ((change - one).astimezone(zone) for one in (SLOT_LENGTH, timedelta()))
            back = _offset(before) - _offset(after)
            spans += [
                (change - back, change, name_if_twice(before)),
                (change, change + back, name_if_twice(after)),
            ]
        day += DAY
    return spans


def _either(clock: datetime, zone: tzinfo | None) -> tuple[datetime, datetime]:
    first, second = (clock.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return first, second


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


def _change_within(start: datetime, zone: tzinfo) -> datetime:
    """The first minute of the 24 hours from `start` on with the offset at their end."""
    before, after = 0, DAY // SLOT_LENGTH
    offset = _offset((start + DAY).astimezone(zone))
    while after - before > 1:
        middle = (before + after) // 2
        if _offset((start + middle * SLOT_LENGTH).astimezone(zone)) == offset:
            after = middle
        else:
            before = middle
    return start + after * SLOT_LENGTH


def standard_offset_of(moment: datetime) -> timedelta:
    """How far the facility's clock is ahead of UTC in the year of the moment, summer time apart."""
    local = timezone.localtime(moment)
    return min(_offset(local.replace(month=month, day=1, hour=12)) for month in (1, 7))
