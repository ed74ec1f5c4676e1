"""Makes the storage what it should be, whatever it was.

`set_up` may be called at any time and any number of times. `manage.py setup_storage` calls it after
every `migrate`, at each start, and for a database that gained TimescaleDB later.
"""

import hashlib
from datetime import datetime

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from cages.storage.digests import note_late_polls
from cages.storage.engine import timescaledb_is_available, timescaledb_version
from cages.storage.errors import StorageError
from cages.storage.rollups import POLLS, ROLLUPS, VIEWS, Rollup
from cages.storage.zone import refuse_unknown_zone

# 36,000 minutes of a cage: 36 full batches of 1,000 rows when they are compressed. Each chunk
# takes the same beside its rows, so shorter ones take more for each minute (bench/README.md).
# Longer ones leave more minutes uncompressed, 85 bytes each. Short chunks could be merged when they
# are compressed, but TimescaleDB 2.29.1 merges none of a table with a primary key (issue 10511).
CHUNK_INTERVAL = "25 days"
# A chunk is compressed so long after its end. Results that waited for the database come within
# hours; later ones are written into the compressed chunk all the same.
COMPRESS_AFTER = "2 days"
COMPRESS_ROLLUPS_AFTER = "60 days"
# 3,000 hours of a cage: 3 full batches. TimescaleDB's own choice is ten chunks of minutes, which
# would leave the hours of most of a year uncompressed.
ROLLUP_CHUNK_INTERVAL = "125 days"
REFRESH_MARGIN_DAYS = 10
OLDEST_TIMESCALEDB = (2, 18)
# Up to so many rows the table is made a hypertable at once, also without a conversion.
FEW_ROWS = 100_000

# Migrations that only versions before 1.0 had.
MIGRATIONS_BEFORE_1_0 = ("0002_storage", "0004_years_of_minutes")
MADE_BEFORE_1_0 = (
    "This database was made by a version before 1.0, which cannot be upgraded. Nothing in it was "
    "changed. Give this version an empty database: another name in DATABASE_URL, or for `make up` "
    "another STATE_DIR. To take the data along, export it with the version that made it."
)


def refuse_old(connection: BaseDatabaseWrapper) -> None:
    """Raise StorageError for a database that a version before 1.0 made; changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_class WHERE oid = to_regclass('cages_reading') AND relkind = 'r'"
        )
        is_old = cursor.fetchone() is not None
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        if not is_old and cursor.fetchone()[0]:
            cursor.execute(
                "SELECT 1 FROM django_migrations WHERE app = 'cages' AND name = ANY(%s)",
                [list(MIGRATIONS_BEFORE_1_0)],
            )
            is_old = cursor.fetchone() is not None
    if is_old:
        raise StorageError(MADE_BEFORE_1_0)


def set_up(connection: BaseDatabaseWrapper) -> str:
    """Give the minutes their storage; returns "TimescaleDB <version>" or "PostgreSQL".

    Within one transaction. A large plain table stays plain: `conversion` is for that.
    Raises StorageError where history would be lost, for a database from before 1.0, and for one
    that does not know the facility's time zone.
    """
    refuse_old(connection)
    refuse_unknown_zone(connection)
    zone = settings.FACILITY_TIME_ZONE
    with connection.cursor() as cursor:
        if timescaledb_is_available(connection):
            create_extension(connection, cursor)
            if not is_hypertable(cursor) and not _has_many_rows(cursor):
                _make_hypertable(cursor)
            if is_hypertable(cursor):
                _compress_old_chunks(cursor)
        on_timescaledb = is_hypertable(cursor)
        for rollup in ROLLUPS.values():
            if on_timescaledb:
                _make_continuous_aggregate(cursor, rollup, zone)
            else:
                _make_view(cursor, rollup.name, rollup.query(zone, timescaledb=False))
        for name, query in VIEWS.items():
            _make_view(cursor, name, query)
        note_late_polls(cursor)
        # A minute's update of a cage's state stays on its page, without touching the index.
        cursor.execute("ALTER TABLE cages_cagestate SET (fillfactor = 50)")
        cursor.execute("ALTER TABLE cages_pollcycle SET (fillfactor = 80)")
    version = timescaledb_version(connection)
    return f"TimescaleDB {version}" if on_timescaledb else "PostgreSQL"


def is_hypertable(cursor: CursorWrapper, table: str = POLLS) -> bool:
    """Whether the table is a hypertable. False without TimescaleDB."""
    return _is_listed(cursor, "hypertables", "hypertable_schema", "hypertable_name", table)


def is_continuous_aggregate(cursor: CursorWrapper, name: str) -> bool:
    """Whether the name is that of a continuous aggregate. False without TimescaleDB."""
    return _is_listed(cursor, "continuous_aggregates", "view_schema", "view_name", name)


def rows_of_rollup(cursor: CursorWrapper, name: str) -> str | None:
    """The table that a continuous aggregate keeps its rows in; None for a view."""
    if not is_continuous_aggregate(cursor, name):
        return None
    cursor.execute(
        """SELECT format('%%I.%%I', materialization_hypertable_schema,
                         materialization_hypertable_name)
           FROM timescaledb_information.continuous_aggregates
           WHERE view_name = %s AND view_schema = current_schema()""",
        [name],
    )
    return cursor.fetchone()[0]


def forget(connection: BaseDatabaseWrapper, cage_id: int) -> None:
    """Remove a purged cage from the roll-ups at once. Where its minutes were removed before, no
    refresh would ever do so."""
    with connection.cursor() as cursor:
        for name in ROLLUPS:
            if kept_in := rows_of_rollup(cursor, name):
                cursor.execute(f"DELETE FROM {kept_in} WHERE cage_id = %s", [cage_id])


def outdated(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of the roll-ups and views that are not as this version and the settings want."""
    zone = settings.FACILITY_TIME_ZONE
    with connection.cursor() as cursor:
        timescaledb = is_hypertable(cursor)
        wanted = {name: rollup.query(zone, timescaledb) for name, rollup in ROLLUPS.items()} | VIEWS
        return [name for name, query in wanted.items() if _mark_of(cursor, name) != _mark(query)]


def _is_listed(cursor: CursorWrapper, listing: str, schema: str, column: str, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
    if cursor.fetchone() is None:
        return False
    cursor.execute(
        f"""SELECT 1 FROM timescaledb_information.{listing}
            WHERE {column} = %s AND {schema} = current_schema()""",
        [name],
    )
    return cursor.fetchone() is not None


def create_extension(connection: BaseDatabaseWrapper, cursor: CursorWrapper) -> None:
    cursor.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    version = timescaledb_version(connection) or "0"
    if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) < OLDEST_TIMESCALEDB:
        oldest = ".".join(map(str, OLDEST_TIMESCALEDB))
        raise StorageError(f"TimescaleDB {version} is too old: {oldest} or newer is needed.")


def _has_many_rows(cursor: CursorWrapper) -> bool:
    cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {POLLS} LIMIT {FEW_ROWS + 1}) AS found")
    return cursor.fetchone()[0] > FEW_ROWS


def _make_hypertable(cursor: CursorWrapper) -> None:
    # A database that was plain until now has views of the roll-ups' names on this table.
    drop_views(cursor)
    # Rows written in this very transaction would hold foreign keys back that are checked at its
    # end, and a table with such cannot become a hypertable.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    create_hypertable(cursor, POLLS)


def create_hypertable(cursor: CursorWrapper, table: str) -> None:
    """Make the table a hypertable, its rows included. Does nothing if it is one."""
    # The key (cage_id, slot) serves every page, so no further index on the time alone.
    cursor.execute(
        """SELECT create_hypertable(%s, by_range('slot', %s::interval),
                  create_default_indexes => false, if_not_exists => true, migrate_data => true)""",
        [table, CHUNK_INTERVAL],
    )


def _compress_old_chunks(cursor: CursorWrapper) -> None:
    cursor.execute(
        """SELECT compression_enabled FROM timescaledb_information.hypertables
           WHERE hypertable_name = %s AND hypertable_schema = current_schema()""",
        [POLLS],
    )
    if not cursor.fetchone()[0]:
        cursor.execute(
            f"""ALTER TABLE {POLLS} SET (timescaledb.enable_columnstore,
                timescaledb.segmentby = 'cage_id', timescaledb.orderby = 'slot')"""
        )
    cursor.execute(
        "CALL add_columnstore_policy(%s, after => %s::interval, if_not_exists => true)",
        [POLLS, COMPRESS_AFTER],
    )


def _mark(query: str) -> str:
    """Tells one definition from another; kept as the relation's comment."""
    return "Neurocage " + hashlib.sha256(query.encode()).hexdigest()[:16]


def _mark_of(cursor: CursorWrapper, name: str) -> str | None:
    cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [name])
    return cursor.fetchone()[0]


def drop_views(cursor: CursorWrapper) -> None:
    """Remove the roll-ups and views. The table and its minutes stay."""
    for name in [*ROLLUPS, *VIEWS]:
        _drop(cursor, name)


def _drop(cursor: CursorWrapper, name: str) -> None:
    kind = "MATERIALIZED VIEW" if is_continuous_aggregate(cursor, name) else "VIEW"
    cursor.execute(f"DROP {kind} IF EXISTS {name}")


def _make_view(cursor: CursorWrapper, name: str, query: str) -> None:
    if _mark_of(cursor, name) == _mark(query):
        return
    _drop(cursor, name)
    cursor.execute(f"CREATE VIEW {name} AS {query}")
    cursor.execute(f"COMMENT ON VIEW {name} IS %s", [_mark(query)])


def _make_continuous_aggregate(cursor: CursorWrapper, rollup: Rollup, zone: str) -> None:
    query = rollup.query(zone, timescaledb=True)
    if _mark_of(cursor, rollup.name) == _mark(query):
        return
    # The roll-up is made anew from the minutes, so it must not know more than they do.
    if is_continuous_aggregate(cursor, rollup.name) and goes_back_further(cursor, rollup):
        raise StorageError(
            f"{rollup.name} would have to be made anew, but it goes back further than the minutes "
            "that are kept, so its history would be lost. Set FACILITY_TIME_ZONE (now "
            f"{settings.FACILITY_TIME_ZONE}) and the version of Neurocage back to what they were."
        )
    _drop(cursor, rollup.name)
    # Real-time: the hour still running is counted from the raw rows.
    # WITH NO DATA, because a transaction refuses anything else.
    cursor.execute(
        f"""CREATE MATERIALIZED VIEW {rollup.name}
            WITH (timescaledb.continuous, timescaledb.materialized_only = false)
            AS {query}
            WITH NO DATA"""
    )
    cursor.execute(f"COMMENT ON VIEW {rollup.name} IS %s", [_mark(query)])
    cursor.execute(
        "SELECT set_chunk_time_interval(%s::regclass, %s::interval)",
        [rows_of_rollup(cursor, rollup.name), ROLLUP_CHUNK_INTERVAL],
    )
    cursor.execute(
        f"""ALTER MATERIALIZED VIEW {rollup.name} SET (timescaledb.enable_columnstore,
            timescaledb.segmentby = 'cage_id', timescaledb.orderby = 'bucket')"""
    )
    keep_refreshed(cursor, rollup.name)
    cursor.execute(
        "CALL add_columnstore_policy(%s, after => %s::interval)",
        [rollup.name, COMPRESS_ROLLUPS_AFTER],
    )


def keep_refreshed(cursor: CursorWrapper, name: str) -> None:
    """Let TimescaleDB count anew what changed: rows that arrive late are counted within the hour.

    However late they are, unless minutes are removed in time, or ever were.
    """
    unit, schedule = ("day", "1 hour") if ROLLUPS[name].is_daily else ("hour", "30 minutes")
    cursor.execute("SELECT remove_continuous_aggregate_policy(%s, if_exists => true)", [name])
    cursor.execute(
        """SELECT add_continuous_aggregate_policy(%s, start_offset => %s::interval,
                  end_offset => %s::interval, schedule_interval => %s::interval)""",
        [name, _refreshed_since(cursor), f"1 {unit}", schedule],
    )


def _refreshed_since(cursor: CursorWrapper) -> str | None:
    """How far back roll-ups are refreshed, as an interval; None: all the way.

    A refresh of a span whose minutes were removed would remove its roll-up too, so it stays well
    behind the shortest retention there ever was.
    """
    cursor.execute("SELECT min(keep_days) FROM cages_retentionchange")
    (days,) = cursor.fetchone()
    return days and f"{days - REFRESH_MARGIN_DAYS} days"


def goes_back_further(cursor: CursorWrapper, rollup: Rollup) -> bool:
    """Whether a continuous aggregate has buckets of which no minute is kept."""
    cursor.execute(f"SELECT min(bucket) FROM {rows_of_rollup(cursor, rollup.name)}")
    (first,) = cursor.fetchone()
    if first is None:
        return False
    kept_since = oldest_chunk(cursor)
    return kept_since is None or first + rollup.length <= kept_since


def oldest_chunk(cursor: CursorWrapper) -> datetime | None:
    """When the oldest chunk of minutes begins; None without any.

    Known at once, while the oldest minute is found only by reading all: no index leads by slot.
    """
    cursor.execute(
        """SELECT min(range_start) FROM timescaledb_information.chunks
           WHERE hypertable_name = %s AND hypertable_schema = current_schema()""",
        [POLLS],
    )
    return cursor.fetchone()[0]
