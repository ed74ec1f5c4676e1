"""Where the minutes are kept: a hypertable and continuous aggregates on TimescaleDB, a plain table
and views on plain PostgreSQL. The names and columns are the same, so no other code depends on it.

`layout` makes them, `conversion` turns a large plain table into a hypertable, `upkeep` does at once
what TimescaleDB's jobs do in time, `retention` removes old minutes if a person says so, `purge`
deletes a cage, `roles` grants rights, and `report` tells how things are. `turns` waits for
TimescaleDB's jobs and for other commands. `engine` and `zone` ask the server about itself, and
`session` sets up each connection. All SQL here is made of names from this package and of settings,
never of anything a person typed.
"""

from cages.storage.engine import timescaledb_is_available, timescaledb_version
from cages.storage.errors import StorageError
from cages.storage.layout import forget, refuse_old, set_up
from cages.storage.rollups import POLLS, ROLLUPS
from cages.storage.zone import refuse_unknown_zone

__all__ = [
    "POLLS",
    "ROLLUPS",
    "StorageError",
    "forget",
    "refuse_old",
    "refuse_unknown_zone",
    "set_up",
    "timescaledb_is_available",
    "timescaledb_version",
]
