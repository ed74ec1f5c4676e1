"""Whether PostgreSQL knows the facility's time zone. Python has zones of its own."""

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from cages.storage.errors import StorageError


def refuse_unknown_zone(connection: BaseDatabaseWrapper) -> None:
    """Raise StorageError if PostgreSQL cannot count the days of FACILITY_TIME_ZONE."""
    zone = settings.FACILITY_TIME_ZONE
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT date_trunc('day', now(), %s)", [zone])
    except DatabaseError as error:
        # 22023: invalid_parameter_value.
        if getattr(error.__cause__, "pgcode", "") != "22023":
            raise
        raise StorageError(
            f"This PostgreSQL does not know the time zone FACILITY_TIME_ZONE={zone}. Choose "
            "another name of the zone, or update the server's time zone data (tzdata)."
        ) from error
