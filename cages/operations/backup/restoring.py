"""Restores a backup into an empty database, and compares what is there with what was noted."""

from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from cages.operations.backup import manifest, programs
from cages.operations.backup.archive import Reader
from cages.operations.backup.errors import BackupError
from cages.operations.backup.manifest import Manifest
from cages.storage import emptying
from cages.storage.emptying import Target
from cages.storage.engine import KNOWN_BAD_PAIRS

# Whoever restores owns what is restored. The rights of other roles are granted at the next start.
RESTORE_OPTIONS = ("--no-password", "--no-owner", "--no-privileges", "--exit-on-error")

Progress = Callable[[int], object]


def refuse(noted: Manifest, target: Target) -> None:
    """Raise BackupError where this backup cannot be restored here without a loss."""
    if target.postgresql_major < noted.postgresql_major:
        raise BackupError(
            f"The backup was made by PostgreSQL {noted.postgresql}, and this is PostgreSQL "
            f"{target.postgresql}. Restore it into version {noted.postgresql_major} or newer."
        )
    if noted.timescaledb and noted.timescaledb not in target.timescaledb_versions:
        there = ", ".join(target.timescaledb_versions) or "no TimescaleDB"
        raise BackupError(
            f"The backup needs TimescaleDB {noted.timescaledb}, and this server has {there}. "
            "Restored into another version, rows and keys would be lost. Start a server with that "
            f"version (timescale/timescaledb:{noted.timescaledb}-pg{noted.postgresql_major}), "
            "restore there, and update TimescaleDB after that, as described under Upgrade in "
            "docs/operate.md."
        )
    known = set(MigrationLoader(None).disk_migrations or ())
    apps = {app for app, _name in known}
    newer = sorted(
        f"{app}.{name}"
        for app, name in noted.migrations.items()
        if app in apps and (app, name) not in known
    )
    if newer:
        raise BackupError(
            f"The backup was made by a newer Neurocage ({noted.neurocage}), whose database has "
            f"{', '.join(newer)}. Restore it with that version."
        )


def refuse_other_extension(noted: Manifest, target: Target) -> None:
    """Raise BackupError if the database, though empty, holds another version of TimescaleDB."""
    if target.timescaledb not in (None, noted.timescaledb):
        raise BackupError(
            f"The database {target.name} is empty, but has TimescaleDB {target.timescaledb} "
            f"already, and the backup needs {noted.timescaledb or 'none'}. Let the command make "
            f"another one: --replace {target.name}"
        )


def warnings(noted: Manifest, target: Target) -> Iterator[str]:
    """What a person should know before the restore begins, one sentence each."""
    if target.postgresql_major != noted.postgresql_major:
        yield (
            f"The backup was made by PostgreSQL {noted.postgresql}; this is {target.postgresql}."
        )
    if noted.timescaledb and target.timescaledb_default != noted.timescaledb:
        yield (
            f"TimescaleDB is restored in the version of the backup, {noted.timescaledb}. Update it "
            "after that: ALTER EXTENSION timescaledb UPDATE."
        )
    if (noted.timescaledb, target.postgresql) in KNOWN_BAD_PAIRS:
        yield (
            f"The jobs of TimescaleDB {noted.timescaledb} fail with PostgreSQL {target.postgresql}."
        )
    if not noted.timescaledb and target.timescaledb_versions:
        yield (
            "The backup is of plain PostgreSQL, and this server has TimescaleDB. Run "
            "manage.py setup_storage after the restore."
        )


def restore(reader: Reader, noted: Manifest, progress: Progress) -> None:
    """Write a backup into the present database, which is empty. progress: bytes of each part.

    Raises BackupError; then the database holds a part of it, and has to be replaced again.
    """
    program = programs.find("pg_restore", noted.postgresql_major)
    if noted.timescaledb:
        emptying.prepare(connection, noted.timescaledb)
    connection.close()
    with programs.running(
        [program.path, *RESTORE_OPTIONS], connection.settings_dict, reads=True
    ) as stream:
        for part in reader.parts():
            stream.write(part)
            progress(len(part))
    emptying.finish(connection, bool(noted.timescaledb))


def check(noted: Manifest) -> list[str]:
    """What is not as it was when the backup was taken, one phrase each; nothing if all is."""
    now = datetime.fromisoformat(noted.taken_at)
    found = manifest.contents(now, noted.contents.last_day)
    return manifest.differences(noted.contents, found)
