"""Turns a large plain table into a hypertable while Neurocage goes on reading and writing it.

Its rows are copied in steps into a hypertable beside it. When all are there the plain table is
locked against writing, what changed meanwhile is copied again, and the two change places in one
transaction. Until then nothing sees the copy, so it may be interrupted at any time, also by force;
the next run goes on. Needs as much free space as the table takes.
"""

from dataclasses import dataclass
from datetime import UTC, timedelta

from django.db import transaction

from cages.storage import layout
from cages.storage.rollups import ROLLUPS

STEP = timedelta(days=1)


def tables_to_convert(connection):
    """The time series that are still plain although this database could have them otherwise."""
    if not layout.timescaledb_is_available(connection):
        return []
    with connection.cursor() as cursor:
        return [t for t in layout.TIME_SERIES_TABLES if not layout.is_hypertable(cursor, t)]


def count_rows(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def convert(connection, table):
    """Yields how many more rows have been dealt with, after each step.

    Raises StorageError where TimescaleDB is too old.
    """
    copy = f"{table}_copy"
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        layout.create_extension(connection, cursor)
        cursor.execute(
            f"""CREATE TABLE IF NOT EXISTS {copy}
                (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"""
        )
        layout.create_hypertable(cursor, copy)
    for step in _steps(connection, table):
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            yield _bring_into_line(cursor, table, copy, step)
    _change_places(connection, table, copy)


@dataclass(frozen=True, slots=True)
class _Step:
    """From `start` up to `end`; None reaches as far as there is anything."""

    start: object
    end: object

    @property
    def where(self):
        bounds = [("slot >= ", self.start), ("slot < ", self.end)]
        return " AND ".join(f"{bound}%s" for bound, value in bounds if value) or "true"

    @property
    def values(self):
        return [value for value in (self.start, self.end) if value]


def _steps(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(slot), max(slot) FROM {table}")
        first, last = cursor.fetchone()
    if first is None:
        return [_Step(None, None)]
    begin = first.astimezone(UTC).replace(hour=0, minute=0)
    edges = [begin + number * STEP for number in range(1, (last - begin) // STEP + 1)]
    return [_Step(start, end) for start, end in zip([None, *edges], [*edges, None], strict=True)]


def _bring_into_line(cursor, table, copy, step):
    """Make the copy of one step what the table is; returns how many rows the table has there."""
    found = [_fingerprint(cursor, name, step) for name in (table, copy)]
    if found[0] != found[1]:
        cursor.execute(f"DELETE FROM {copy} WHERE {step.where}", step.values)
        cursor.execute(
            f"INSERT INTO {copy} SELECT * FROM {table} WHERE {step.where} ORDER BY cage_id, slot",
            step.values,
        )
    return found[0][0]


def _fingerprint(cursor, table, step):
    """(number of rows, sum of a hash of each whole row): no change of a row goes unseen."""
    cursor.execute(
        f"""SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)
            FROM {table} AS t WHERE {step.where}""",
        step.values,
    )
    return cursor.fetchone()


def _change_places(connection, table, copy):
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # Readers go on until the last moment; writers wait, and what they bring is not lost.
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        for step in _steps(connection, table):
            _bring_into_line(cursor, table, copy, step)
        cursor.execute(
            """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
               WHERE conrelid = %s::regclass AND contype = 'f'""",
            [table],
        )
        foreign_keys = cursor.fetchall()
        for rollup in ROLLUPS.values():
            if rollup.table == table:
                layout.drop_rollup(cursor, rollup.name)
        cursor.execute(f"DROP TABLE {table}")
        cursor.execute(f"ALTER TABLE {copy} RENAME TO {table}")
        cursor.execute(f"ALTER INDEX {copy}_pkey RENAME TO {table}_pkey")
        for name, definition in foreign_keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        layout.set_up(connection)
