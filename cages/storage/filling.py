"""Filling the empty table of minutes: rows first, then its keys, in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from cages.storage.layout import is_hypertable
from cages.storage.rollups import POLLS

# Of primary and foreign keys, the primary one first.
KEYS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = to_regclass(%s) AND contype IN ('p', 'f') ORDER BY contype DESC
"""
# The memory in which the key of millions of rows is sorted.
SORT_MEMORY = "256MB"


@contextmanager
def keys_afterwards(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Within a transaction: make the keys of the table of minutes when all rows are written.

    Keeping them meanwhile takes most of the time on plain PostgreSQL. The table is locked
    until the transaction ends, and one that fails leaves it as it was. A hypertable keeps its
    keys: TimescaleDB cannot drop them where chunks are compressed, and its chunks are small.
    """
    with connection.cursor() as cursor:
        if is_hypertable(cursor):
            yield
            return
        # What is to be checked at the end of the transaction would hold ALTER TABLE back.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        keys = _drop_keys(cursor)
        yield
        cursor.execute(f"SET LOCAL maintenance_work_mem = '{SORT_MEMORY}'")
        for name, definition in keys:
            cursor.execute(f'ALTER TABLE {POLLS} ADD CONSTRAINT "{name}" {definition}')


def _drop_keys(cursor: CursorWrapper) -> list[tuple[str, str]]:
    """Drop the keys. Returns their names and definitions."""
    cursor.execute(KEYS, [POLLS])
    keys: list[tuple[str, str]] = cursor.fetchall()
    for name, _definition in reversed(keys):
        cursor.execute(f'ALTER TABLE {POLLS} DROP CONSTRAINT "{name}"')
    return keys
