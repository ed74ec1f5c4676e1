"""A database with years of made-up minutes, by set-based SQL, to measure storage and pages on.

Each cage answers 3 of 4 polls, after 1 to 3 s; its health changes every few hours. Rows lie minute
by minute, as the recorder writes them: in a plain table those of one cage are far from each other.
"""

import argparse
import os
import sys
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path

SECRET = "only-for-benchmarks-and-never-to-serve-anybody-0123456789"  # noqa: S105
WEEK = timedelta(days=7)
MADE_UP = """
    SELECT slot, cage_id, latency_ms, outcome, CASE WHEN outcome = 1 THEN
               1 + abs(hashint4((extract(epoch FROM slot) / 9000)::int + cage_id * 7919) %% 3)
           END AS status, NULL::smallint AS http_status, NULL AS detail
    FROM (
        SELECT slot, id AS cage_id, 1000 + (random() * 2000)::int AS latency_ms,
               CASE WHEN random() < 0.75 THEN 1 ELSE 2 END AS outcome
        FROM cages_cage, generate_series(%s::timestamptz, %s::timestamptz, '1 minute') AS slot
    ) AS polled
"""
UPDATE_STATES = """
    INSERT INTO cages_cagestate
        (cage_id, outcome, outcome_slot, outcome_since, status, reading_slot, status_since,
         known_count, same_count)
    SELECT cage_id, 1, max(slot), max(slot), 2, max(slot), max(slot), 1, 1
    FROM cages_poll WHERE outcome = 1 AND slot > %s GROUP BY cage_id
"""


@contextmanager
def database(kind, url=None):
    """Django on an empty database of its own. kind: "timescaledb" or "postgresql".

    url: of a database that is there already and is used instead. Its server stays.
    """
    from local_stack.embedded import EmbeddedPostgres, EmbeddedValkey
    from tests.timescaledb.server import TimescaleServer

    with tempfile.TemporaryDirectory(prefix="neurocage-bench-") as folder:
        folder = Path(folder)
        server = (
            TimescaleServer(folder=folder / "timescaledb")
            if kind == "timescaledb"
            else EmbeddedPostgres(folder / "postgres", durable=False)
        )
        valkey = EmbeddedValkey(folder / "valkey", durable=False)
        if not url:
            server.start()
        valkey.start()
        os.environ.update(
            DJANGO_SETTINGS_MODULE="neurocage.settings",
            DATABASE_URL=url or server.url,
            REDIS_URL=valkey.url,
            SECRET_KEY=SECRET,
            STATE_DIR=str(folder / "state"),
            FACILITY_TIME_ZONE="Europe/Berlin",
            BASE_URL="http://testserver",
        )
        try:
            import django
            from django.core.management import call_command

            django.setup()
            if not url:
                call_command("migrate", verbosity=0)
                call_command("setup_storage", "--layout-only", stdout=StringIO())
            yield
        finally:
            from django.db import connection

            connection.close()
            valkey.stop()
            if not url:
                server.stop()


def arguments(description, cages, days):
    """A parser with the options of each benchmark on years of minutes, and these defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cages", type=int, default=cages)
    parser.add_argument("--days", type=int, default=days)
    parser.add_argument("--on", choices=("timescaledb", "postgresql"), default="timescaledb")
    return parser


def tell(text):
    """Show on a terminal what is being done."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def make_cages(count, days=0):
    """Make cages that were created so many days ago, without minutes. Returns their owner."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from cages.models import Cage, Places

    created_at = timezone.now() - timedelta(days=days, minutes=1)
    owner = get_user_model().objects.create_superuser("bench")
    made = [Cage(label=f"Cage {n}", owner=owner, created_at=created_at) for n in range(count)]
    names = [(f"R{n % 4}", f"{n % 20}") for n in range(count)]
    places = Places(set(names))
    for cage, name in zip(made, names, strict=True):
        cage.stand_in(*places.find(*name))
    Places.keep(made)
    Cage.objects.bulk_create(made)
    return owner


def fill(cages, days, each_week):
    """So many cages with so many days of minutes up to now; returns their owner.

    each_week: called after each week that was written.
    """
    from django.db import connection
    from django.utils import timezone

    from cages.models import PollCycle
    from cages.polling.recorder import insert_polls
    from cages.slots import slot_of

    owner = make_cages(cages, days)
    last = slot_of(timezone.now()) - timedelta(minutes=1)
    start, end = last - timedelta(days=days), last
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        while start < end:
            until = min(start + WEEK, end)
            tell(f"minutes from {start:%Y-%m-%d}")
            insert_polls(cursor, MADE_UP, [start, until - timedelta(minutes=1)])
            each_week(start)
            start = until
        cursor.execute(UPDATE_STATES, [end - timedelta(hours=1)])
        # As autovacuum does in time.
        cursor.execute("VACUUM (ANALYZE)")
    PollCycle.objects.create(
        slot=end, started_at=end, finished_at=end, planned=cages, answered=cages, duration_ms=1
    )
    return owner


def compress():
    """What TimescaleDB's jobs would do in time; nothing on plain PostgreSQL."""
    from django.db import connection

    from cages.storage import upkeep

    for words, run in upkeep.pending(connection):
        tell(words)
        run(connection)
