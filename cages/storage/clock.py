"""The database's clock."""

from datetime import datetime

from django.db.backends.base.base import BaseDatabaseWrapper


def clock_of(connection: BaseDatabaseWrapper) -> datetime:
    """What the database's clock shows, not the beginning of the transaction; one query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
