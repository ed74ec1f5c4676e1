"""How the storage is: for the operations page and for Django's checks."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from cages.storage import layout
from cages.storage.rollups import POLLS, ROLLUPS

# Beyond this, pages about months become slow on plain PostgreSQL (bench/README.md).
MANY_PLAIN_ROWS = 10_000_000
JOBS_SHOWN = 30
ERROR_LENGTH = 500
OVERDUE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Series:
    """`rows` is PostgreSQL's or TimescaleDB's own estimate, None where there is none yet."""

    name: str
    rows: int | None
    size_bytes: int
    chunks: int | None = None
    compressed_chunks: int | None = None

    @property
    def is_large_plain(self) -> bool:
        return self.chunks is None and (self.rows or 0) > MANY_PLAIN_ROWS


@dataclass(frozen=True, slots=True)
class Job:
    """One of TimescaleDB's background jobs. Times are None where it has not run yet."""

    name: str
    relation: str
    every: timedelta
    last_started_at: datetime | None
    last_succeeded: bool | None
    failures: int
    next_start: datetime | None
    # What the last run ended with, in the database's own words, if it failed.
    error: str | None

    @property
    def is_failing(self) -> bool:
        return self.last_succeeded is False

    def is_overdue(self, now: datetime) -> bool:
        """Whether it should have run long ago: nothing starts TimescaleDB's jobs."""
        return self.next_start is not None and now - self.next_start > OVERDUE_AFTER


def series(connection: BaseDatabaseWrapper) -> list[Series]:
    """[Series] of the minutes, then, on TimescaleDB, of the roll-ups."""
    with connection.cursor() as cursor:
        if not layout.is_hypertable(cursor):
            return [_plain(cursor)]
        tables = {POLLS: POLLS} | {name: layout.rows_of_rollup(cursor, name) for name in ROLLUPS}
        return [_hypertable(cursor, name, table) for name, table in tables.items() if table]


def jobs(connection: BaseDatabaseWrapper) -> list[Job]:
    """[Job] that look after Neurocage's tables. Needs TimescaleDB."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT jobs.application_name, coalesce(views.view_name, jobs.hypertable_name),
                      jobs.schedule_interval, nullif(stats.last_run_started_at, '-infinity'),
                      stats.last_run_status = 'Success', coalesce(stats.total_failures, 0),
                      -- While a job runs, its next start is -infinity.
                      nullif(stats.next_start, '-infinity'),
                      CASE WHEN stats.last_run_status = 'Failed' THEN (
                          SELECT left(concat_ws(' ', errors.sqlerrcode, errors.err_message), %s)
                          FROM timescaledb_information.job_errors AS errors
                          WHERE errors.job_id = jobs.job_id
                          ORDER BY errors.finish_time DESC LIMIT 1
                      ) END
               FROM timescaledb_information.jobs AS jobs
               LEFT JOIN timescaledb_information.job_stats AS stats USING (job_id)
               LEFT JOIN timescaledb_information.continuous_aggregates AS views
                    ON views.view_name = jobs.hypertable_name
                    OR views.materialization_hypertable_name = jobs.hypertable_name
               WHERE coalesce(views.view_name, jobs.hypertable_name) = ANY(%s)
               ORDER BY 2, 1 LIMIT %s""",
            [ERROR_LENGTH, [POLLS, *ROLLUPS], JOBS_SHOWN],
        )
        # "Columnstore Policy [1003]": the number says nothing to people.
        return [Job(name.partition(" [")[0], *rest) for name, *rest in cursor.fetchall()]


def _plain(cursor: CursorWrapper) -> Series:
    cursor.execute(
        """SELECT relname, nullif(reltuples, -1)::bigint, pg_total_relation_size(oid)
           FROM pg_class WHERE oid = %s::regclass""",
        [POLLS],
    )
    return Series(*cursor.fetchone())


def _hypertable(cursor: CursorWrapper, name: str, relation: str) -> Series:
    cursor.execute(
        """SELECT approximate_row_count(%s::regclass), hypertable_size(%s::regclass),
                  count(*), count(*) FILTER (WHERE is_compressed)
           FROM timescaledb_information.chunks
           WHERE to_regclass(format('%%I.%%I', hypertable_schema, hypertable_name))
                 = %s::regclass""",
        [relation, relation, relation],
    )
    rows, size_bytes, chunks, compressed = cursor.fetchone()
    return Series(name, max(rows, 0), size_bytes or 0, chunks, compressed)
