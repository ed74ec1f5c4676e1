"""The steps from the dump of 1.0 to this version, while programs of 1.0 still use the database."""

import subprocess
import sys
import threading
import time
from contextlib import closing

import psycopg2
import pytest
from django.db.migrations import AddField
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from local_stack.config import BASE_DIR, child_environment
from tests.cages.test_storage import ON_TIMESCALEDB
from tests.upgrades.conftest import restore
from tests.upgrades.test_upgrades import DUMPS

# A statement of 1.0 may wait this long for a step, which is far less than its connections may.
LOCK_SECONDS = 30
STEPS = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("setup_storage")
"""
# What 1.0 writes, with its own columns. {n} is another number in each round.
WRITES = (
    # The polling.
    """INSERT INTO cages_pollcycle (slot, started_at, planned, planned_ids, answered, unavailable,
       timeout, connection_error, http_error, malformed, skipped)
       VALUES ({slot}, now(), 2, '', 0, 0, 0, 0, 0, 0, 0)""",
    """INSERT INTO cages_poll (slot, cage_id, latency_ms, outcome, status, http_status, detail)
       SELECT {slot}, id, 900, 1, 2, NULL, NULL FROM cages_cage WHERE label_key LIKE 'cage%'""",
    """UPDATE cages_cagestate SET outcome = 1, outcome_slot = {slot}, status = 2,
       reading_slot = {slot}, known_count = known_count + 1""",
    """UPDATE cages_pollcycle SET answered = 2, finished_at = now(), duration_ms = 900
       WHERE slot = {slot}""",
    # The people.
    """INSERT INTO people_user (password, is_superuser, username, first_name, last_name, email,
       is_staff, is_active, date_joined, key, sort_key)
       VALUES ('!', false, 'p{n}', '', '', '', false, true, now(), 'p{n}', 'p{n}')""",
    """INSERT INTO people_lab (name, key, cage_limit, own_of_id)
       SELECT 'p{n}', 'p{n}', 1000, id FROM people_user WHERE key = 'p{n}'""",
    """INSERT INTO people_membership (role, lab_id, person_id)
       SELECT 'researcher', id, own_of_id FROM people_lab WHERE key = 'p{n}'""",
    """INSERT INTO people_apitoken (name, digest, start, created_at, person_id)
       SELECT 't', repeat('0', 40) || '{n}', 'nc_', now(), id
       FROM people_user WHERE key = 'p{n}'""",
    "UPDATE people_user SET last_login = now() WHERE key = 'ruth'",
    "INSERT INTO django_session VALUES ('s{n}', '', now())",
    # The cages.
    "INSERT INTO cages_room (name, key, sort_key) VALUES ('room{n}', 'room{n}', 'room{n}')",
    """INSERT INTO cages_rack (name, key, sort_key, rows_are_numbers, room_id)
       SELECT 'k', 'k', 'k', false, id FROM cages_room WHERE key = 'room{n}'""",
    """INSERT INTO cages_cage (label, label_key, label_sort_key, "row", strain, strain_key, notes,
       is_polled, created_at, updated_at, lab_id, owner_id, rack_id, room_id)
       SELECT 'n{n}', 'n{n}', 'n{n}', '', '', '', '', true, now(), now(), people_lab.id, own_of_id,
              cages_rack.id, room_id
       FROM people_lab, cages_rack JOIN cages_room ON cages_room.id = room_id
       WHERE people_lab.key = 'p{n}' AND cages_room.key = 'room{n}'""",
    """INSERT INTO cages_cageevent (at, kind, before, after, cage_id, person_id)
       SELECT now(), 'paused', '', '', id, owner_id FROM cages_cage WHERE label_key = 'n{n}'""",
    "UPDATE cages_cage SET is_polled = false, updated_at = now() WHERE label_key = 'n{n}'",
)


class OldVersion(threading.Thread):
    """Reads each table and writes what 1.0 writes, again and again until `ended` is set."""

    def __init__(self, url):
        super().__init__(name="old version")
        self.url, self.ended = url, threading.Event()
        self.rounds, self.failed = 0, []

    def run(self):
        with closing(psycopg2.connect(self.url)) as link, link.cursor() as cursor:
            link.autocommit = True
            cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
            reads = self._reads(cursor)
            while not self.ended.is_set():
                slot = f"timestamptz '2026-03-03T00:00Z' + {self.rounds} * interval '1 minute'"
                for statement in (*WRITES, *reads):
                    try:
                        cursor.execute(statement.replace("{slot}", slot).format(n=self.rounds))
                    except psycopg2.Error as error:
                        self.failed.append(f"{error} {statement}")
                self.rounds += 1

    @staticmethod
    def _reads(cursor):
        """Each table and view of 1.0 by the columns that it has there."""
        cursor.execute(
            "SELECT table_name, string_agg(quote_ident(column_name), ', ') "
            "FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name"
        )
        return [
            f"SELECT {columns} FROM {table} LIMIT 100"  # noqa: S608
            for table, columns in cursor.fetchall()
        ]


@pytest.mark.skipif(ON_TIMESCALEDB, reason="its server has one database")
@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_nothing_that_an_old_version_does_fails_before_during_or_after_the_steps(
    empty_database, dump
):
    restore(dump, empty_database)
    old = OldVersion(empty_database)
    old.start()
    try:
        done = subprocess.run(
            [sys.executable, "-c", STEPS],
            env=child_environment(DATABASE_URL=empty_database),
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        rounds = old.rounds
        # A whole round on the database of this version.
        while old.is_alive() and old.rounds < rounds + 2:
            time.sleep(0.02)
    finally:
        old.ended.set()
        old.join()
    assert done.returncode == 0, done.stderr
    assert rounds > 1
    assert not old.failed, f"{len(old.failed)} statements failed, such as {old.failed[0]}"


def test_a_new_column_needs_no_value_of_a_version_that_does_not_know_it():
    migrations = MigrationLoader(None).disk_migrations.items()
    missing = [
        f"{app}.{name}: {operation.model_name}.{operation.name}"
        for (app, name), migration in migrations
        if app in ("people", "cages", "welfare") and not migration.initial
        for operation in migration.operations
        if isinstance(operation, AddField)
        and not operation.field.null
        and operation.field.db_default is NOT_PROVIDED
    ]
    assert missing == []
