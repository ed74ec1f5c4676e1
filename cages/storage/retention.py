"""Removes old minutes for good, if a person decides so. The roll-ups stay.

Without a decision nothing is ever removed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from cages.models import RetentionChange
from cages.storage import layout
from cages.storage.rollups import ROLLUPS

# Shorter would take away minutes that the pages show minute by minute.
SHORTEST_DAYS = 100
LONGEST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Removal:
    """What a retention would remove of one table at once: whole chunks only."""

    table: str
    chunks: int
    rows: int
    size_bytes: int
    first: datetime | None
    # Not included.
    last: datetime | None


def removals(connection, keep_days, now):
    """[Removal] per table, if minutes were kept for so many days from now on."""
    cutoff = now - timedelta(days=keep_days)
    found = []
    with connection.cursor() as cursor:
        for table in layout.TIME_SERIES_TABLES:
            cursor.execute(
                """SELECT count(*), coalesce(sum(total_bytes), 0)::bigint, min(range_start),
                          max(range_end)
                   FROM timescaledb_information.chunks
                   JOIN chunks_detailed_size(%s) AS size USING (chunk_schema, chunk_name)
                   WHERE hypertable_name = %s AND range_end <= %s""",
                [table, table, cutoff],
            )
            chunks, size_bytes, first, last = cursor.fetchone()
            rows = 0
            if last is not None:
                cursor.execute(f"SELECT count(*) FROM {table} WHERE slot < %s", [last])
                (rows,) = cursor.fetchone()
            found.append(Removal(table, chunks, rows, size_bytes, first, last))
    return found


def change(connection, keep_days, person, now):
    """Remove what `removals` tells, and from now on what grows older. None: no longer anything.

    Returns the RetentionChange. Outside of a transaction, as the roll-ups are counted first.
    """
    found = removals(connection, keep_days, now) if keep_days else []
    for removal in found:
        _count_roll_ups(connection, removal)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        noted = RetentionChange.objects.create(
            at=now,
            person=person,
            keep_days=keep_days,
            removed_rows=sum(removal.rows for removal in found),
            removed_bytes=sum(removal.size_bytes for removal in found),
        )
        for name in ROLLUPS:
            layout.keep_refreshed(cursor, name)
        for table in layout.TIME_SERIES_TABLES:
            cursor.execute("SELECT remove_retention_policy(%s, if_exists => true)", [table])
            if keep_days:
                cursor.execute(
                    "SELECT add_retention_policy(%s, drop_after => %s::interval)",
                    [table, f"{keep_days} days"],
                )
        for removal in found:
            if removal.chunks:
                cursor.execute(
                    "SELECT count(*) FROM drop_chunks(%s, older_than => %s::timestamptz)",
                    [removal.table, removal.last],
                )
    return noted


def _count_roll_ups(connection, removal):
    """Before their minutes go, all buckets that they lie in are counted."""
    if not removal.chunks:
        return
    start, end = removal.first - timedelta(days=2), removal.last + timedelta(days=2)
    with connection.cursor() as cursor:
        for name, rollup in ROLLUPS.items():
            if rollup.table == removal.table:
                cursor.execute(
                    "CALL refresh_continuous_aggregate(%s, %s::timestamptz, %s::timestamptz)",
                    [name, start, end],
                )
