"""What the whole database holds: how many rows each table has, and what a backup needs to know."""

from django.db.backends.base.base import BaseDatabaseWrapper

from cages.storage import layout
from cages.storage.fingerprint import fingerprint
from cages.storage.rollups import POLLS, ROLLUPS


def hold_snapshot(connection: BaseDatabaseWrapper) -> str:
    """Fix what this transaction sees; returns the name by which another session sees the same.

    To be called as the first thing in a transaction, in which nothing can be written.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        return cursor.fetchone()[0]


def tables(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of all tables of the present schema but those that an extension made."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname FROM pg_class
               WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
                 AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid
                                 AND classid = 'pg_class'::regclass AND deptype = 'e')
               ORDER BY relname"""
        )
        return [name for (name,) in cursor.fetchall()]


def row_counts(connection: BaseDatabaseWrapper) -> dict[str, int]:
    """{table: rows} of all tables and, on TimescaleDB, of the roll-ups; reads every table."""
    sources = {name: connection.ops.quote_name(name) for name in tables(connection)}
    with connection.cursor() as cursor:
        for name in ROLLUPS:
            if kept_in := layout.rows_of_rollup(cursor, name):
                sources[name] = kept_in
        counts = {}
        for name, source in sources.items():
            cursor.execute(f"SELECT count(*) FROM {source}")
            counts[name] = cursor.fetchone()[0]
    return counts


def checksum_of_minutes(connection: BaseDatabaseWrapper, start: str, end: str) -> str:
    """A checksum of all minutes from `start` up to but not including `end`."""
    with connection.cursor() as cursor:
        rows, total = fingerprint(cursor, POLLS, (start, end))
    return f"{rows}:{total}"


def size_bytes(connection: BaseDatabaseWrapper) -> int:
    """How much disk the database takes, without the write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return cursor.fetchone()[0]
