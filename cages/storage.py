"""Where the minutes lie: hypertables and continuous aggregates on TimescaleDB, plain tables and
views on plain PostgreSQL. The names and columns are the same, so nothing above knows which.

`set_up` may be called at any time and any number of times; a migration calls it, and so does
`manage.py setup_storage` for a database that gained TimescaleDB later. All SQL here is made of
names from this module, never of anything a person typed.
"""

from cages.models.reading import Health
from cages.models.sensor_request import Outcome

TIME_SERIES_TABLES = ("cages_reading", "cages_sensorrequest")
# Long enough that a chunk fills batches of 1,000 rows per cage when it is compressed later.
CHUNK_INTERVAL = "7 days"


def _counts(column, members):
    return ",\n".join(
        f"count(*) FILTER (WHERE {column} = {member.value}) AS {member.name.lower()}"
        for member in members
    )


ROLLUPS = {
    "cages_reading_hourly": ("cages_reading", _counts("status", Health)),
    "cages_sensorrequest_hourly": (
        "cages_sensorrequest",
        _counts("outcome", Outcome)
        + f""",
        sum(latency_ms) FILTER (WHERE outcome = {Outcome.ANSWERED.value}) AS latency_ms_sum,
        max(latency_ms) FILTER (WHERE outcome = {Outcome.ANSWERED.value}) AS latency_ms_max""",
    ),
}


def timescaledb_is_available(connection):
    """True where the server could load TimescaleDB, whether or not this database has it yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'")
        return cursor.fetchone() is not None


def timescaledb_version(connection):
    """The version installed in this database, or None."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
        row = cursor.fetchone()
    return row and row[0]


def set_up(connection):
    """Give the time series their storage; returns "TimescaleDB <version>" or "PostgreSQL"."""
    with connection.cursor() as cursor:
        if timescaledb_is_available(connection):
            cursor.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            # Rows written in this very transaction would hold foreign keys back that are checked
            # at its end, and a table with such cannot become a hypertable.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in TIME_SERIES_TABLES:
                _make_hypertable(cursor, table)
            for view, (table, columns) in ROLLUPS.items():
                _make_continuous_aggregate(cursor, view, table, columns)
        else:
            for view, (table, columns) in ROLLUPS.items():
                cursor.execute(f"CREATE OR REPLACE VIEW {view} AS {_rollup_query(table, columns)}")
        # A minute's update of a cage's state stays on its page, without touching the index.
        cursor.execute("ALTER TABLE cages_cagestate SET (fillfactor = 50)")
        cursor.execute("ALTER TABLE cages_pollcycle SET (fillfactor = 80)")
    version = timescaledb_version(connection)
    return f"TimescaleDB {version}" if version else "PostgreSQL"


def take_down(connection):
    """Remove the roll-ups. The tables stay as they are: dropping them is their migration's deed."""
    with connection.cursor() as cursor:
        for view in ROLLUPS:
            kind = "MATERIALIZED VIEW" if _is_continuous_aggregate(cursor, view) else "VIEW"
            cursor.execute(f"DROP {kind} IF EXISTS {view}")


def _rollup_query(table, columns, bucket="date_trunc('hour', slot, 'UTC')"):
    return f"""
        SELECT cage_id, {bucket} AS bucket,
        {columns}
        FROM {table}
        GROUP BY cage_id, {bucket}"""


def _make_hypertable(cursor, table):
    # The key (cage_id, slot) serves every page, so no further index on the time alone.
    cursor.execute(
        """SELECT create_hypertable(%s, by_range('slot', %s::interval),
                  create_default_indexes => false, if_not_exists => true, migrate_data => true)""",
        [table, CHUNK_INTERVAL],
    )


def _make_continuous_aggregate(cursor, view, table, columns):
    if _is_continuous_aggregate(cursor, view):
        return
    # A database that was plain until now has a view of that name.
    cursor.execute(f"DROP VIEW IF EXISTS {view}")
    query = _rollup_query(table, columns, bucket="time_bucket('1 hour', slot)")
    # Real-time: the hour still running is counted from the raw rows.
    # WITH NO DATA, because a transaction refuses anything else.
    cursor.execute(
        f"""CREATE MATERIALIZED VIEW {view}
            WITH (timescaledb.continuous, timescaledb.materialized_only = false)
            AS {query}
            WITH NO DATA"""
    )
    # No start: rows that arrive late, however late, are counted at the next refresh.
    cursor.execute(
        """SELECT add_continuous_aggregate_policy(%s, start_offset => NULL,
                  end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '30 minutes',
                  if_not_exists => true)""",
        [view],
    )


def _is_continuous_aggregate(cursor, view):
    cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
    if cursor.fetchone() is None:
        return False
    cursor.execute(
        """SELECT 1 FROM timescaledb_information.continuous_aggregates
           WHERE view_name = %s AND view_schema = current_schema()""",
        [view],
    )
    return cursor.fetchone() is not None
