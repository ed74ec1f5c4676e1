"""What is wrong with the database although it answers.

Told by `manage.py check`, /ops/, /readyz (as degraded) and /metrics, and once a day in the log.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from cages.history.wall_clock import readings_of
from cages.history.window import DAY, midnight_of
from cages.storage import report
from cages.storage.engine import engine
from cages.storage.zone import midnights

logger = logging.getLogger(__name__)

# The days whose midnights are compared: those that pages show most, and those to come.
DAYS_BACK = 2000
DAYS_AHEAD = 800


class Kind(StrEnum):
    """What a fault is about."""

    JOBS = "jobs"
    VERSIONS = "versions"
    RESTORE = "restore"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, in words of the active language."""

    kind: Kind
    words: str
    hint: str


def faults(now: datetime) -> list[Fault]:
    """Everything that is wrong now; three queries. Each process makes one of them once a day."""
    return [*_of_engine(now), *_of_zone(now)]


def _of_engine(now: datetime) -> Iterator[Fault]:
    server = engine(connection)
    if server.timescaledb is None:
        return
    if server.is_known_bad:
        words = _("The jobs of TimescaleDB %(timescaledb)s fail with PostgreSQL %(postgresql)s.")
        versions = {"timescaledb": server.timescaledb, "postgresql": server.postgresql}
        hint = _("Use other versions, as described under Upgrade in docs/operate.md.")
        yield Fault(Kind.VERSIONS, words % versions, hint)
    if server.is_restoring:
        yield Fault(
            Kind.RESTORE,
            _("The database is still being restored, so nothing is compressed or counted."),
            _("When the restore has ended, run SELECT timescaledb_post_restore() in it."),
        )
    for job in report.jobs(connection):
        named = {"job": job.name, "table": job.relation, "error": job.error or "–"}
        if job.is_failing:
            words = _("The job %(job)s of %(table)s fails: %(error)s")
            hint = _("TimescaleDB tries again by itself. Look at the database's log.")
            yield Fault(Kind.JOBS, words % named, hint)
        elif job.is_overdue(now):
            words = _("The job %(job)s of %(table)s should have run more than a day ago.")
            hint = _("Check timescaledb.max_background_workers and the database's log.")
            yield Fault(Kind.JOBS, words % named, hint)


def _of_zone(now: datetime) -> Iterator[Fault]:
    zone = settings.FACILITY_TIME_ZONE
    days = days_begun_differently(zone, now.astimezone(ZoneInfo(zone)).date())
    if not days:
        return
    words = _(
        "Python and PostgreSQL begin %(count)s days of %(zone)s at different moments, the first on "
        "%(day)s. Pages count these days hour by hour, which takes longer."
    )
    told = {"count": len(days), "zone": zone, "day": days[0].isoformat()}
    hint = _("Update the time zone data (tzdata) of the database server and of Python.")
    yield Fault(Kind.ZONE, words % told, hint)


@lru_cache(maxsize=1)
def days_begun_differently(zone: str, today: date) -> list[date]:
    """The days around today that Python and PostgreSQL begin at different moments."""
    first, here = today - timedelta(days=DAYS_BACK), ZoneInfo(zone)
    found = midnights(connection, zone, first, DAYS_BACK + DAYS_AHEAD)
    days = [first + number * DAY for number in range(len(found))]
    return [
        day
        for day, begin in zip(days, found, strict=True)
        if begin != midnight_of(day, here)
        # Where a midnight comes twice, the two mean different ones. `buckets` allows for that.
        and len(readings_of(datetime.combine(day, time()), here)) < 2
    ]


def log_faults() -> None:
    """Write each fault to the log."""
    for fault in faults(timezone.now()):
        logger.warning("%s %s", fault.words, fault.hint)
