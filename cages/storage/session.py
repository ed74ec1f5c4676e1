"""What each of our database sessions is told when it begins."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created)
def compile_no_query(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Switch PostgreSQL's compiler of queries (JIT) off.

    PostgreSQL expects many rows of a hypertable with many chunks, and then takes seconds to compile
    a query that reads few. It is not asked for when the connection is made, because a PgBouncer
    refuses a connection with a parameter that it does not know.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
