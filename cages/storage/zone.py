"""PostgreSQL's time zone data. Python has data of its own, and the two may differ."""

from datetime import date, datetime

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from cages.storage.errors import StorageError, sqlstate_of

INVALID_PARAMETER_VALUE = "22023"


def refuse_unknown_zone(connection: BaseDatabaseWrapper) -> None:
    """Raise StorageError if PostgreSQL cannot count the days of FACILITY_TIME_ZONE."""
    zone = settings.FACILITY_TIME_ZONE
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT date_trunc('day', now(), %s)", [zone])
    except DatabaseError as error:
        if sqlstate_of(error) != INVALID_PARAMETER_VALUE:
            raise
        raise StorageError(
            f"This PostgreSQL does not know the time zone FACILITY_TIME_ZONE={zone}. Choose "
            "another name of the zone, or update the server's time zone data (tzdata)."
        ) from error


def midnights(connection: BaseDatabaseWrapper, zone: str, first: date, days: int) -> list[datetime]:
    """When PostgreSQL begins each of so many days in the zone (an IANA name), as UTC moments.

    Where a midnight comes twice, PostgreSQL means the second.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (%s::date + number)::timestamp AT TIME ZONE %s
               FROM generate_series(0, %s) AS number ORDER BY number""",
            [first, zone, days - 1],
        )
        return [midnight for (midnight,) in cursor.fetchall()]
