"""The database server itself: its versions, its jobs' scheduler, and its time zone data."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.backends.base.base import BaseDatabaseWrapper

# (TimescaleDB, PostgreSQL). With these, every background job fails with "cannot drop portal".
KNOWN_BAD_PAIRS = frozenset({("2.29.2", "17.12"), ("2.28.3", "15.20")})


@dataclass(frozen=True, slots=True)
class Engine:
    """Versions such as "17.12" and "2.29.2"; timescaledb is None on plain PostgreSQL."""

    postgresql: str
    timescaledb: str | None
    # Between timescaledb_pre_restore() and timescaledb_post_restore(). No job runs then.
    is_restoring: bool

    @property
    def is_known_bad(self) -> bool:
        return (self.timescaledb, self.postgresql) in KNOWN_BAD_PAIRS


def engine(connection: BaseDatabaseWrapper) -> Engine:
    """What the server is and does now; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT current_setting('server_version_num')::int,
                      (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
                      coalesce(current_setting('timescaledb.restoring', true), 'off') = 'on'"""
        )
        number, timescaledb, is_restoring = cursor.fetchone()
    return Engine(f"{number // 10_000}.{number % 10_000}", timescaledb, is_restoring)


def midnights(connection: BaseDatabaseWrapper, zone: str, first: date, days: int) -> list[datetime]:
    """When PostgreSQL begins each of so many days in the zone (an IANA name), as UTC moments.

    Of a midnight that comes twice it means the second.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (%s::date + number)::timestamp AT TIME ZONE %s
               FROM generate_series(0, %s) AS number ORDER BY number""",
            [first, zone, days - 1],
        )
        return [midnight for (midnight,) in cursor.fetchall()]
