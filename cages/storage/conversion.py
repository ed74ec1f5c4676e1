"""Turns a large plain table of minutes into a hypertable while Neurocage reads and writes it.

Its rows are copied in steps into a hypertable beside it. When all are there the plain table is
locked against writing, what changed meanwhile is copied again, and the two change places in one
transaction. Until then nothing sees the copy, so it may be interrupted at any time, also by force;
the next run goes on. Needs as much free space as the table takes.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta
from itertools import pairwise

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from cages.storage import layout
from cages.storage.engine import timescaledb_is_available
from cages.storage.fingerprint import WITHIN, fingerprint
from cages.storage.rollups import POLLS

STEP = timedelta(days=1)
COPY = f"{POLLS}_copy"


def is_needed(connection: BaseDatabaseWrapper) -> bool:
    """True where the minutes are still in a plain table although TimescaleDB is there."""
    if not timescaledb_is_available(connection):
        return False
    with connection.cursor() as cursor:
        return not layout.is_hypertable(cursor)


def count_rows(connection: BaseDatabaseWrapper) -> int:
    """How many minutes the table has. Reads all of it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {POLLS}")
        return cursor.fetchone()[0]


def convert(connection: BaseDatabaseWrapper) -> Iterator[int]:
    """Yields how many more rows have been dealt with, after each step.

    Raises StorageError where TimescaleDB is too old.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        layout.create_extension(connection, cursor)
        cursor.execute(
            f"""CREATE TABLE IF NOT EXISTS {COPY}
                (LIKE {POLLS} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"""
        )
        layout.create_hypertable(cursor, COPY)
    for step in _steps(connection):
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            yield _bring_into_line(cursor, step)
    _change_places(connection)


def _steps(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """The spans of slots, as PostgreSQL reads their bounds, that together hold all minutes."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(slot), max(slot) FROM {POLLS}")
        first, last = cursor.fetchone()
    if first is None:
        return [("-infinity", "infinity")]
    begin = first.astimezone(UTC).replace(hour=0, minute=0)
    days = range(1, (last - begin) // STEP + 1)
    edges = [(begin + number * STEP).isoformat() for number in days]
    return list(pairwise(["-infinity", *edges, "infinity"]))


def _bring_into_line(cursor: CursorWrapper, step: tuple[str, str]) -> int:
    """Make the copy of one step what the table is; returns how many rows the table has there."""
    found = [fingerprint(cursor, name, step) for name in (POLLS, COPY)]
    if found[0] != found[1]:
        cursor.execute(f"DELETE FROM {COPY} WHERE {WITHIN}", step)
        cursor.execute(
            f"INSERT INTO {COPY} SELECT * FROM {POLLS} WHERE {WITHIN} ORDER BY cage_id, slot", step
        )
    return found[0][0]


def _change_places(connection: BaseDatabaseWrapper) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # Readers go on until the last moment; writers wait, and what they bring is not lost.
        cursor.execute(f"LOCK TABLE {POLLS} IN SHARE ROW EXCLUSIVE MODE")
        for step in _steps(connection):
            _bring_into_line(cursor, step)
        cursor.execute(
            """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
               WHERE conrelid = %s::regclass AND contype = 'f'""",
            [POLLS],
        )
        foreign_keys = cursor.fetchall()
        layout.drop_views(cursor)
        cursor.execute(f"DROP TABLE {POLLS}")
        cursor.execute(f"ALTER TABLE {COPY} RENAME TO {POLLS}")
        cursor.execute(f"ALTER INDEX {COPY}_pkey RENAME TO {POLLS}_pkey")
        for name, definition in foreign_keys:
            cursor.execute(f'ALTER TABLE {POLLS} ADD CONSTRAINT "{name}" {definition}')
        layout.set_up(connection)
