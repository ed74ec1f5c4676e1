"""System checks of the database and of the storage of minutes."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection
from django.utils import timezone

from cages import storage
from cages.operations import database_faults
from cages.storage import conversion, layout, report, roles

REFUSALS = {"cages.E003": storage.refuse_old, "cages.E004": storage.refuse_unknown_zone}

WARNINGS = {
    database_faults.Kind.JOBS: "cages.W003",
    database_faults.Kind.VERSIONS: "cages.W004",
    database_faults.Kind.RESTORE: "cages.W005",
    database_faults.Kind.ZONE: "cages.W006",
}


@checks.register(checks.Tags.database)
def database_is_usable(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
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
    for name, refuse in REFUSALS.items():
        try:
            refuse(connection)
        except storage.StorageError as error:
            return [checks.Error(str(error), id=name)]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    # Before the first migration there is nothing to check.
    return list(_storage_warnings()) if storage.POLLS in tables else []


def _role_warnings() -> Iterator[checks.Warning]:
    found = roles.rights(connection)
    running = settings.RUNNING_ROLE
    if running is None:
        yield checks.Warning(
            f"One role of the database, {found.name}, owns the tables and runs Neurocage, so "
            "whoever takes over Neurocage could change what was noted of changes.",
            hint="Set DATABASE_OWNER_URL (docs/operate.md, Two database roles).",
            id="cages.W007",
        )
    elif found.name == running[0] and found.is_too_much:
        yield checks.Warning(
            f"The role {found.name} that runs Neurocage may do more than it needs.",
            hint="Run `manage.py setup_storage`. The role must be no superuser and own no table.",
            id="cages.W008",
        )


def _storage_warnings() -> Iterator[checks.Warning]:
    if layout.outdated(connection) or conversion.is_needed(connection):
        yield checks.Warning(
            "The table of minutes or its roll-ups are not as this version and the settings need.",
            hint="Run `manage.py setup_storage`.",
            id="cages.W001",
        )
    for fault in database_faults.faults(timezone.now()):
        yield checks.Warning(fault.words, hint=fault.hint, id=WARNINGS[fault.kind])
    for series in (one for one in report.series(connection) if one.is_large_plain):
        yield checks.Warning(
            f"{series.name} has about {series.rows:,} rows on plain PostgreSQL: pages about months "
            "become slow, and nothing is compressed.",
            hint="Install TimescaleDB in this database, then run `manage.py setup_storage`.",
            id="cages.W002",
        )
    yield from _role_warnings()
