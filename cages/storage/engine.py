"""The database server itself: its versions, and whether it is being restored."""

from dataclasses import dataclass

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


def timescaledb_version(connection: BaseDatabaseWrapper) -> str | None:
    """The version installed in this database, such as "2.29.2", or None."""
    return engine(connection).timescaledb


def timescaledb_is_available(connection: BaseDatabaseWrapper) -> bool:
    """True where the server could load TimescaleDB, whether or not this database has it yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'")
        return cursor.fetchone() is not None
