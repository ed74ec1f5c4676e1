"""Does at once what TimescaleDB's jobs do in time: counts the roll-ups, compresses old chunks.

Nothing here runs in a transaction; each step is kept when the next one is interrupted.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from cages.storage import layout
from cages.storage.rollups import POLLS, ROLLUPS

# What a step does in words, and what does it.
Step = tuple[str, Callable[[BaseDatabaseWrapper], None]]

# Long enough for two days of any zone; TimescaleDB refuses a refresh of less than two buckets.
STEP = timedelta(days=28)
# A day of 25 hours, in whole UTC days.
LONGEST_BUCKET = timedelta(days=2)
REFRESH = "CALL refresh_continuous_aggregate(%s, %s::timestamptz, %s::timestamptz)"
COMPRESS = "SELECT compress_chunk(%s::regclass, if_not_compressed => true)"


def stages(connection: BaseDatabaseWrapper) -> Iterator[tuple[str, list[Step]]]:
    """Yield (what it is about, its steps), stage by stage.

    What there is to compress shows only when all is counted, so each stage is to be carried out
    before the next one is asked for.
    """
    for what, find in (("counting roll-ups", _refreshes), ("compressing", _compressions)):
        with connection.cursor() as cursor:
            work = list(find(cursor))
        yield what, work


def pending(connection: BaseDatabaseWrapper) -> Iterator[Step]:
    """Yield the steps of all stages."""
    for _what, work in stages(connection):
        yield from work


def refresh(name: str, start: datetime, end: datetime, connection: BaseDatabaseWrapper) -> None:
    """Count the buckets of a roll-up anew that lie whole between two moments."""
    _run(REFRESH, [name, start, end], connection)


def _run(statement: str, parameters: list[Any], connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _refreshes(cursor: CursorWrapper) -> Iterator[Step]:
    for name, rollup in ROLLUPS.items():
        if not layout.is_continuous_aggregate(cursor, name):
            continue
        oldest = layout.oldest_chunk(cursor)
        if oldest is None:
            continue
        # Buckets whose minutes were removed would be removed by being counted.
        gone = layout.goes_back_further(cursor, rollup)
        start = oldest + LONGEST_BUCKET if gone else oldest - LONGEST_BUCKET
        # As the policy does: the bucket still running is counted from the minutes.
        last = timezone.now() - rollup.length
        while start < last - LONGEST_BUCKET:
            end = min(start + STEP, last)
            yield f"{name} from {start:%Y-%m-%d}", partial(refresh, name, start, end)
            # Only buckets that lie whole in a span are counted, and a facility's day begins at
            # any hour of UTC.
            start = end if end == last else end - LONGEST_BUCKET


def _compressions(cursor: CursorWrapper) -> Iterator[Step]:
    tables = [(name, layout.rows_of_rollup(cursor, name)) for name in ROLLUPS]
    work = [(name, table, layout.COMPRESS_ROLLUPS_AFTER) for name, table in tables if table]
    if layout.is_hypertable(cursor):
        work.insert(0, (POLLS, POLLS, layout.COMPRESS_AFTER))
    for name, table, after in work:
        cursor.execute(
            """SELECT format('%%I.%%I', chunk_schema, chunk_name), range_start::date
               FROM timescaledb_information.chunks
               WHERE to_regclass(format('%%I.%%I', hypertable_schema, hypertable_name))
                     = %s::regclass
                 AND NOT is_compressed AND range_end < now() - %s::interval
               ORDER BY range_start""",
            [table, after],
        )
        for chunk, start in cursor.fetchall():
            yield f"{name} from {start}, compressing", partial(_run, COMPRESS, [chunk])
