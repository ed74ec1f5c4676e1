"""The disk of the database, where it is on this machine, and how fast the minutes fill it."""

import shutil
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Sum

from cages.history.window import DAY
from cages.models import PollCycle
from cages.storage.report import Series

# The disk is told of so long before it is full.
WARNED_DAYS, WRONG_DAYS = 60, 7
# The rate of one day says nothing about what is further away.
DAYS_TOLD = 9999


@dataclass(frozen=True, slots=True)
class Disk:
    """In bytes. used: what is not free, so that it counts what is reserved."""

    total: int
    free: int

    @property
    def used_percent(self) -> float:
        return 100 * (self.total - self.free) / self.total


@dataclass(frozen=True, slots=True)
class Outlook:
    """How long the disk lasts at the rate of the last day.

    disk: None where it cannot be seen from here. minutes_bytes: what the minutes and their roll-ups
    take. growth: bytes a day, None where that is not known yet.
    """

    disk: Disk | None
    minutes_bytes: int
    growth: float | None

    @property
    def days(self) -> int | None:
        """Whole days until it is full, DAYS_TOLD at most. None where nobody can tell."""
        if self.disk is None or not self.growth:
            return None
        return min(int(self.disk.free / self.growth), DAYS_TOLD)

    @property
    def is_at_least(self) -> bool:
        """Whether `days` is cut off."""
        return self.days == DAYS_TOLD

    @property
    def is_short(self) -> bool:
        """Whether somebody has to make room soon."""
        return self.days is not None and self.days < WARNED_DAYS


def outlook(series: list[Series], now: datetime) -> Outlook:
    """The outlook for the minutes in `series`; one query."""
    taken = sum(one.size_bytes for one in series)
    return Outlook(database_disk(), taken, growth_per_day(series, now))


def database_disk() -> Disk | None:
    """That of the embedded database of `make up`; None where it cannot be seen from here."""
    folder = settings.STATE_DIR / "postgres"
    if not folder.is_dir():
        return None
    usage = shutil.disk_usage(folder)
    return Disk(usage.total, usage.free)


def growth_per_day(series: list[Series], now: datetime) -> float | None:
    """Bytes a day at the rate of the last day; one query.

    As large as a minute is on average until now, with the roll-ups. None where that is not known.
    """
    rows = series[0].rows if series else None
    if not rows:
        return None
    last_day = PollCycle.objects.until(now).filter(slot__gt=now - DAY)
    planned = last_day.aggregate(count=Sum("planned", default=0))["count"]
    return float(sum(one.size_bytes for one in series) / rows * planned)
