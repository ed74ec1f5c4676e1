"""The role that this process has in the database, and the database's clock."""

from dataclasses import dataclass
from datetime import datetime

from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True, slots=True)
class Role:
    """may_do_anything: a superuser. may_create: tables in the present schema."""

    name: str
    may_do_anything: bool
    may_create: bool


def role_of(connection: BaseDatabaseWrapper) -> Role:
    """The role of this connection; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT current_user, rolsuper,
                      has_schema_privilege(current_user, current_schema(), 'CREATE')
               FROM pg_roles WHERE rolname = current_user"""
        )
        return Role(*cursor.fetchone())


def clock_of(connection: BaseDatabaseWrapper) -> datetime:
    """What the database's clock shows, not the beginning of the transaction; one query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
