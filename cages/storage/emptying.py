"""An empty database for a restore: what is in the present one, a new one, and TimescaleDB in it."""

from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

# A database that every server has. Nobody can delete the one they are in.
MAINTENANCE = "postgres"


@dataclass(frozen=True, slots=True)
class Target:
    """The database that a restore writes to. Versions such as "17.12"."""

    name: str
    postgresql: str
    timescaledb: str | None
    """The version in this database already."""
    timescaledb_versions: list[str]
    """Those that the server could create in it."""
    timescaledb_default: str | None
    """The one that it would choose."""
    tables: int
    sessions: int
    """Other sessions in this database, without those of the server itself."""

    @property
    def postgresql_major(self) -> int:
        return int(self.postgresql.partition(".")[0])


def look(connection: BaseDatabaseWrapper) -> Target:
    """What the present database is; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT current_database(), current_setting('server_version_num')::int,
                      (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
                      ARRAY(SELECT version FROM pg_available_extension_versions
                            WHERE name = 'timescaledb' ORDER BY version),
                      (SELECT default_version FROM pg_available_extensions
                       WHERE name = 'timescaledb'),
                      (SELECT count(*) FROM pg_class AS one
                       WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
                         AND relnamespace = 'public'::regnamespace
                         AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = one.oid
                                         AND classid = 'pg_class'::regclass AND deptype = 'e')),
                      (SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()
                         AND backend_type = 'client backend')"""
        )
        name, number, *rest = cursor.fetchone()
    return Target(name, f"{number // 10_000}.{number % 10_000}", *rest)


def replace(connection: BaseDatabaseWrapper) -> None:
    """Delete the present database with all that is in it, and make an empty one of its name.

    Not in a transaction. The role needs the right to create databases.
    """
    name = connection.settings_dict["NAME"]
    quoted = connection.ops.quote_name(name)
    connection.close()
    # In another database of the same server, with the same role.
    connection.settings_dict["NAME"] = MAINTENANCE
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {quoted} TEMPLATE template0")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name


def prepare(connection: BaseDatabaseWrapper, timescaledb: str) -> None:
    """Make TimescaleDB of this version ready to be restored. Without it rows and keys are lost."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS timescaledb VERSION %s", [timescaledb])
        cursor.execute("SELECT timescaledb_pre_restore()")
    # TimescaleDB has to be loaded in this version from the first statement of a session on.
    connection.close()


def finish(connection: BaseDatabaseWrapper, timescaledb: bool) -> None:
    """Let TimescaleDB work again, and let PostgreSQL count what its planner needs to know."""
    with connection.cursor() as cursor:
        if timescaledb:
            cursor.execute("SELECT timescaledb_post_restore()")
        cursor.execute("ANALYZE")
