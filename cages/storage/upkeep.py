"""Does at once what TimescaleDB's jobs do in time: counts the roll-ups, compresses old chunks.

Nothing here runs in a transaction; each step is kept when the next one is interrupted.
"""

from datetime import timedelta

from django.utils import timezone

from cages.storage import layout
from cages.storage.rollups import POLLS, ROLLUPS

# Long enough for two days of any zone; TimescaleDB refuses a refresh of less than two buckets.
STEP = timedelta(days=28)
# A day of 25 hours, in whole UTC days.
LONGEST_BUCKET = timedelta(days=2)


def stages(connection):
    """(what it is about, [(what it does in words, what does it: a callable)]), stage by stage.

    What there is to compress shows only when all is counted, so each stage is to be carried out
    before the next one is asked for.
    """
    for what, find in (("counting roll-ups", _refreshes), ("compressing", _compressions)):
        with connection.cursor() as cursor:
            work = list(find(cursor))
        yield what, work


def pending(connection):
    """(what it does in words, what does it) of all stages."""
    for _what, work in stages(connection):
        yield from work


def _refreshes(cursor):
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
            yield f"{name} from {start:%Y-%m-%d}", _refresh(name, start, end)
            # Only buckets that lie whole in a span are counted, and a facility's day begins at
            # any hour of UTC.
            start = end if end == last else end - LONGEST_BUCKET


def _refresh(name, start, end):
    def run(connection):
        with connection.cursor() as cursor:
            cursor.execute(
                "CALL refresh_continuous_aggregate(%s, %s::timestamptz, %s::timestamptz)",
                [name, start, end],
            )

    return run


def _compressions(cursor):
    if layout.is_hypertable(cursor):
        yield from _compressions_of(cursor, POLLS, POLLS, layout.COMPRESS_AFTER)
    for name in ROLLUPS:
        kept_in = layout.rows_of_rollup(cursor, name)
        if kept_in:
            yield from _compressions_of(cursor, name, kept_in, layout.COMPRESS_ROLLUPS_AFTER)


def _compressions_of(cursor, name, hypertable, after):
    cursor.execute(
        """SELECT format('%%I.%%I', chunk_schema, chunk_name), range_start::date
           FROM timescaledb_information.chunks
           WHERE to_regclass(format('%%I.%%I', hypertable_schema, hypertable_name)) = %s::regclass
             AND NOT is_compressed AND range_end < now() - %s::interval
           ORDER BY range_start""",
        [hypertable, after],
    )
    for chunk, start in cursor.fetchall():
        yield f"{name} from {start}, compressing", _compress(chunk)


def _compress(chunk):
    def run(connection):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT compress_chunk(%s::regclass, if_not_compressed => true)", [chunk]
            )

    return run
