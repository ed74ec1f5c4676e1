"""Which window a URL asks for: today, last night, a number of days, or any days."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.history.moment import FIRST_YEAR, LAST_YEAR, bad_year
from cages.history.window import DAY, Window
from cages.slots import slot_of

# name: how many facility days, today included.
DAYS = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "365d": 365}
# What can be chosen, in this order, and its words.
CHOICES = {
    "today": gettext_lazy("Today"),
    "night": gettext_lazy("Last night"),
    "24h": gettext_lazy("24 hours"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
    "365d": gettext_lazy("1 year"),
}
# "Last night" where no light schedule says when it was dark: the dark phase of a usual one
# (12 hours of light from 7), in facility time.
NIGHT = (time(19), time(7))
LONGEST_DAYS = 3660
# Hours are shown up to here, days beyond.
HOURS_UP_TO = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Span:
    """A window and how it was asked for. first, last: its facility days, both included."""

    name: str
    window: Window
    first: date
    last: date
    # What is wrong with the days that were asked for; then the window is today's.
    error: str = ""
    # Whether the night is a dark phase of a light schedule, and not NIGHT.
    is_dark_phase: bool = False

    @classmethod
    def from_query(
        cls,
        query: Mapping[str, str],
        now: datetime,
        default: str = "today",
        dark_phase: Callable[[], Window | None] = lambda: None,
    ) -> Self:
        """From request.GET: `span=7d`, or `from=2026-03-01&to=2026-03-31`, both included.

        `to` may be left out for one day. What makes no sense gives an error in words, and today.
        dark_phase: gives the last night of what is shown, or None for NIGHT.
        """
        today = timezone.localtime(now).date()
        if query.get("from") or query.get("to"):
            return cls._custom(query.get("from", ""), query.get("to", ""), today, now)
        name = query.get("span", "")
        name = name if name in CHOICES else default
        if name in ("24h", "night"):
            end = slot_of(now)
            dark = dark_phase() if name == "night" else None
            usual = Window(end - DAY, end) if name == "24h" else _night_before(today, end)
            window = dark or usual
            first = timezone.localtime(window.start).date()
            return cls(name, window, first, today, is_dark_phase=dark is not None)
        first = today - (DAYS[name] - 1) * DAY
        return cls(name, Window.of_days(first, today, now), first, today)

    @classmethod
    def _custom(cls, begin: str, end: str, today: date, now: datetime) -> Self:
        error = ""
        try:
            first = date.fromisoformat(begin or end)
            last = date.fromisoformat(end or begin)
        except ValueError:
            error = _("Write a day like this: 2026-03-31.")
        else:
            if min(first, last).year < FIRST_YEAR or max(first, last).year > LAST_YEAR:
                error = bad_year()
            elif first > last:
                error = _("The first day is after the last one.")
            elif first > today:
                error = _("These days are in the future.")
            elif (last - first).days >= LONGEST_DAYS:
                error = _("At most %(days)s days at a time.") % {"days": LONGEST_DAYS}
        if error:
            return cls("today", Window.of_days(today, today, now), today, today, error)
        last = min(last, today)
        name = "today" if first == last == today else "custom"
        return cls(name, Window.of_days(first, last, now), first, last)

    @property
    def choices(self) -> list[tuple[str, str]]:
        """[(name, words)] of what can be chosen."""
        return [(name, str(words)) for name, words in CHOICES.items()]

    @property
    def title(self) -> str:
        """In words what was chosen; empty for days that were given."""
        return str(CHOICES.get(self.name, ""))

    @property
    def night(self) -> tuple[time, time]:
        """When the night begins and ends, in facility time."""
        return NIGHT

    @property
    def is_whole_days(self) -> bool:
        return self.name not in ("24h", "night")

    @property
    def query(self) -> str:
        """The span as it appears in a URL."""
        return urlencode(self.fields)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """[(name, value)] of the query."""
        if self.name != "custom":
            return [("span", self.name)]
        return [("from", self.first.isoformat()), ("to", self.last.isoformat())]

    @property
    def day_count(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def by_hour(self) -> bool:
        """Whether its buckets are hours; else days."""
        return self.window.end - self.window.start <= HOURS_UP_TO


def _night_before(day: date, now: datetime) -> Window:
    """The night that ends on the facility's day, up to `now` if it is not over."""
    dusk, dawn = NIGHT
    zone = timezone.get_default_timezone()
    start = datetime.combine(day - DAY, dusk, zone).astimezone(UTC)
    end = datetime.combine(day, dawn, zone).astimezone(UTC)
    return Window(start, max(start, min(end, now)))
