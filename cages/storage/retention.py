"""Removes old minutes for good, if a person decides so. The roll-ups stay.

Without a decision nothing is ever removed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.backends.base.base import BaseDatabaseWrapper

from cages.models import RetentionChange
from cages.storage import layout, turns
from cages.storage.rollups import POLLS, ROLLUPS
from cages.storage.upkeep import LONGEST_BUCKET, refresh

# Shorter would take away minutes that the pages show minute by minute.
SHORTEST_DAYS = 100
LONGEST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Removal:
    """What a retention would remove at once: whole chunks only."""

    chunks: int
    rows: int
    size_bytes: int
    first: datetime | None
    # Not included.
    last: datetime | None


def removal(connection: BaseDatabaseWrapper, keep_days: int, now: datetime) -> Removal:
    """The Removal if minutes were kept for so many days from now on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*), coalesce(sum(total_bytes), 0)::bigint, min(range_start),
                      max(range_end)
               FROM timescaledb_information.chunks
               JOIN chunks_detailed_size(%s) AS size USING (chunk_schema, chunk_name)
               WHERE hypertable_name = %s AND range_end <= %s""",
            [POLLS, POLLS, now - timedelta(days=keep_days)],
        )
        chunks, size_bytes, first, last = cursor.fetchone()
        rows = 0
        if last is not None:
            cursor.execute(f"SELECT count(*) FROM {POLLS} WHERE slot < %s", [last])
            (rows,) = cursor.fetchone()
    return Removal(chunks, rows, size_bytes, first, last)


def change(
    connection: BaseDatabaseWrapper, keep_days: int | None, person: str, now: datetime
) -> RetentionChange:
    """Remove what `removal` tells, and from now on what grows older. None: remove nothing more.

    Outside of a transaction, as the roll-ups are counted first. Raises turns.StillBusyError.
    """
    found = removal(connection, keep_days, now) if keep_days else Removal(0, 0, 0, None, None)
    if found.first and found.last:
        # Before their minutes go, all buckets that they lie in are counted.
        for name in ROLLUPS:
            span = (found.first - LONGEST_BUCKET, found.last + LONGEST_BUCKET)
            turns.retried(partial(refresh, name, *span, connection))
    return turns.change_layout(
        connection, lambda: _carry_out(connection, found, keep_days, person, now)
    )


def _carry_out(
    connection: BaseDatabaseWrapper,
    found: Removal,
    keep_days: int | None,
    person: str,
    now: datetime,
) -> RetentionChange:
    with connection.cursor() as cursor:
        noted = RetentionChange.objects.create(
            at=now,
            person=person,
            keep_days=keep_days,
            removed_rows=found.rows,
            removed_bytes=found.size_bytes,
        )
        for name in ROLLUPS:
            layout.keep_refreshed(cursor, name)
        cursor.execute("SELECT remove_retention_policy(%s, if_exists => true)", [POLLS])
        if keep_days:
            cursor.execute(
                "SELECT add_retention_policy(%s, drop_after => %s::interval)",
                [POLLS, f"{keep_days} days"],
            )
        if found.chunks:
            cursor.execute(
                "SELECT count(*) FROM drop_chunks(%s, older_than => %s::timestamptz)",
                [POLLS, found.last],
            )
    return noted
