"""Two database roles: one owns the tables and changes them, the other runs Neurocage.

The running role reads and writes rows. It makes and alters no tables, empties none at once, and can
neither change nor delete what was noted of changes. `setup_storage` makes it and grants these
rights, each time anew. Without an owner's URL there is one role for all.

Trails, events and sign-ins are written once, but purges and deletions of accounts take from them.
No grant says that, so triggers of the migrations do (people.0008_append_only).
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from cages.storage.errors import StorageError, sqlstate_of
from cages.storage.layout import rows_of_rollup
from cages.storage.rollups import ROLLUPS, VIEWS

# Only triggers of the owner, migrations and `retention` write these.
READ_ONLY = ("people_change", "cages_retentionchange", "django_migrations")
# Their rows are written once.
APPEND_ONLY = ("cages_daydigest", "cages_cagedigest")
NOT_ALLOWED = "42501"
ROLE_OPTIONS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


@dataclass(frozen=True, slots=True)
class Rights:
    """What the role of this connection may do beside reading and writing rows."""

    name: str
    does_anything: bool
    # Owns the table of changes, so that it could change what was noted.
    is_owner: bool
    makes_tables: bool
    changes_what_was_noted: bool

    @property
    def is_too_much(self) -> bool:
        return any(
            (self.does_anything, self.is_owner, self.makes_tables, self.changes_what_was_noted)
        )


def rights(connection: BaseDatabaseWrapper) -> Rights:
    """The Rights of the role that this connection has; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT current_user::text, rolsuper,
                      coalesce(pg_has_role(current_user, relowner, 'MEMBER'), false),
                      has_schema_privilege(current_schema(), 'CREATE'),
                      coalesce(has_table_privilege(noted.oid, 'UPDATE, DELETE, TRUNCATE'), false)
               FROM pg_roles
               LEFT JOIN pg_class AS noted ON noted.oid = to_regclass('people_change')
               WHERE rolname = current_user"""
        )
        return Rights(*cursor.fetchone())


def grant(connection: BaseDatabaseWrapper) -> str | None:
    """Make the running role if it is missing, and give it its rights; returns its name.

    Returns None and does nothing where there is one role for all. Raises StorageError where the
    owner may not make roles.
    """
    running = settings.RUNNING_ROLE
    if running is None:
        return None
    name, password = running
    if rights(connection).name == name:
        raise StorageError(
            "DATABASE_OWNER_URL and DATABASE_URL name the same role of the database. Give "
            "DATABASE_URL another user, or leave DATABASE_OWNER_URL empty."
        )
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            _make(cursor, name, password)
            _allow(cursor, connection.ops.quote_name(name))
    except DatabaseError as error:
        if sqlstate_of(error) != NOT_ALLOWED:
            raise
        raise StorageError(
            f"The owner of the database may not make the role {name} or grant it rights. Let an "
            f'administrator of the server run: CREATE ROLE "{name}" LOGIN PASSWORD ...; '
            f"The database said: {' '.join(str(error).split())}"
        ) from error
    return name


def _make(cursor: CursorWrapper, name: str, password: str) -> None:
    quoted = cursor.db.ops.quote_name(name)
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
    if cursor.fetchone() is None:
        cursor.execute(f"CREATE ROLE {quoted} {ROLE_OPTIONS} PASSWORD %s", [password or None])
        return
    cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    if cursor.fetchone()[0] and password:
        # The secrets may have been made anew. Somebody else's role is left as it is.
        cursor.execute(f"ALTER ROLE {quoted} PASSWORD %s", [password])


def _allow(cursor: CursorWrapper, role: str) -> None:
    cursor.execute("SELECT quote_ident(current_schema())")
    (schema,) = cursor.fetchone()
    cursor.execute(
        f"""REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role};
            REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};
            GRANT USAGE ON SCHEMA {schema} TO {role};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
            GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"""
    )
    for table in _those_there(cursor, (*READ_ONLY, *APPEND_ONLY)):
        kept = "SELECT" if table in READ_ONLY else "SELECT, INSERT"
        cursor.execute(f"REVOKE ALL ON {table} FROM PUBLIC, {role}")
        cursor.execute(f"GRANT {kept} ON {table} TO {role}")
    for name in _those_there(cursor, (*ROLLUPS, *VIEWS)):
        cursor.execute(f"REVOKE ALL ON {name} FROM {role}; GRANT SELECT ON {name} TO {role}")
    for name in ROLLUPS:
        if kept_in := rows_of_rollup(cursor, name):
            # A purge takes a cage out of them.
            cursor.execute(f"GRANT SELECT, DELETE ON {kept_in} TO {role}")


def _those_there(cursor: CursorWrapper, names: tuple[str, ...]) -> list[str]:
    cursor.execute(
        "SELECT name FROM unnest(%s) AS name WHERE to_regclass(name) IS NOT NULL", [list(names)]
    )
    return [name for (name,) in cursor.fetchall()]
