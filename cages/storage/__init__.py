"""Where the minutes lie: hypertables and continuous aggregates on TimescaleDB, plain tables and
views on plain PostgreSQL. The names and columns are the same, so nothing above knows which.

`layout` makes them, `conversion` turns large plain tables into hypertables, `upkeep` does at once
what TimescaleDB's jobs would do in time, `retention` removes old minutes if a person says so, and
`report` tells how things are. All SQL here is made of names from this room and of settings, never
of anything a person typed.
"""

from cages.storage.layout import (
    TIME_SERIES_TABLES,
    StorageError,
    forget,
    set_up,
    take_down,
    timescaledb_is_available,
    timescaledb_version,
)
from cages.storage.rollups import ROLLUPS

__all__ = [
    "ROLLUPS",
    "TIME_SERIES_TABLES",
    "StorageError",
    "forget",
    "set_up",
    "take_down",
    "timescaledb_is_available",
    "timescaledb_version",
]
