"""System checks: what would only show itself at night, said at the start."""

from django.conf import settings
from django.core import checks
from django.db import connection

from cages import storage


@checks.register(checks.Tags.database)
def database_is_usable(app_configs, databases, **kwargs):
    if not databases:
        return []
    if settings.DATABASES["default"]["ENGINE"].endswith("dummy"):
        return [
            checks.Error(
                "DATABASE_URL is not set.",
                hint="Start `make up` in this checkout, or give postgresql://user:password@host/name.",
                id="cages.E001",
            )
        ]
    if settings.REQUIRE_TIMESCALEDB and not storage.timescaledb_is_available(connection):
        return [
            checks.Error(
                "REQUIRE_TIMESCALEDB is on, but this PostgreSQL has no TimescaleDB.",
                hint="Use the timescale/timescaledb image, or set REQUIRE_TIMESCALEDB=0.",
                id="cages.E002",
            )
        ]
    return []
