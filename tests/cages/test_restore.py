"""A backup and its restore, by the commands of docs/operate.md, on a real TimescaleDB.

The server of the tests can neither read COPY nor make a database, and has one session. So the
backup is made of INSERT statements, the empty database is a second server, and pg_restore is told
that a restore is under way, which a new session of a native server knows from the database.
"""

import os
import re
import shlex
import subprocess
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from cages.models import Health
from cages.slots import slot_of
from local_stack.postgres import postgres_programs
from tests.conftest import ON_TIMESCALEDB
from tests.factories import make_cage, write_polls
from tests.timescaledb.server import TimescaleServer

PROJECT = Path(__file__).resolve().parents[2]
OF_THE_DOCUMENT = {"-U", "-d", "neurocage"}
# What must be the same before and after.
FACTS = (
    "SELECT count(*), sum(hashtextextended(cages_poll::text, 0)::numeric) FROM cages_poll",
    "SELECT count(*), sum(planned), sum(bad) FROM cages_poll_hourly",
    "SELECT count(*), sum(planned), sum(bad) FROM cages_poll_daily",
    "SELECT count(*) FROM cages_reading",
    """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
       WHERE conrelid = 'cages_poll'::regclass ORDER BY conname""",
    """SELECT hypertable_name, count(*), count(*) FILTER (WHERE is_compressed)
       FROM timescaledb_information.chunks GROUP BY 1 ORDER BY 1""",
    """SELECT proc_name, hypertable_name, schedule_interval, config
       FROM timescaledb_information.jobs WHERE job_id >= 1000 ORDER BY job_id""",
    "SELECT obj_description('cages_poll_daily'::regclass)",
    "SELECT last_value FROM people_user_id_seq",
)


def commands_of(heading):
    """[[program, argument, ...]] that a section of the document runs."""
    text = (PROJECT / "docs/operate.md").read_text()
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].replace("\\\n", " ")
    lines = re.findall(r"(?m)^ *docker compose exec (?:-T )?timescaledb (.*)$", section)
    return [shlex.split(re.split(r" [<>] ", line)[0]) for line in lines]


def run(command, url, *more, file=None, **environment):
    """Run a command of the document on the server at this address; returns what it printed."""
    program, *arguments = command
    kept = [one for one in arguments if one not in OF_THE_DOCUMENT]
    done = subprocess.run(
        [postgres_programs() / program, *more, *kept, "-d", url],
        stdin=file,
        capture_output=True,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def facts_of(url):
    with psycopg2.connect(url) as session, session.cursor() as cursor:
        found = []
        for query in FACTS:
            cursor.execute(query)
            found.append(cursor.fetchall())
    session.close()
    return found


def test_the_document_names_every_step_in_order():
    assert [command[0] for command in commands_of("Backup")] == ["pg_dump", "psql"]
    steps = [command[0] for command in commands_of("Restore")]
    assert steps == ["dropdb", "createdb", "psql", "pg_restore", "psql"]


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL needs no such steps")
def test_a_restored_backup_has_every_row_key_roll_up_and_job(storage_of_its_own, tmp_path):
    first = slot_of(timezone.now()) - timedelta(days=70)
    for cage in (make_cage(), make_cage()):
        times = [first + number * timedelta(hours=7) for number in range(240)]
        write_polls(cage, [(time, Health.BAD, 1500) for time in times])
    call_command("setup_storage")
    connection.close()  # the server has one session
    url = os.environ["DATABASE_URL"]
    before = facts_of(url)
    backup, version = commands_of("Backup")
    dump = tmp_path / "neurocage.dump"
    dump.write_bytes(run(backup, url, "--rows-per-insert=1000"))
    versions = run(version, url)
    assert b"TimescaleDB 2." in versions

    _dropdb, _createdb, prepare, restore, end = commands_of("Restore")
    with TimescaleServer() as server:
        run(prepare, server.url)
        with dump.open("rb") as file:
            run(restore, server.url, file=file, PGOPTIONS="-c timescaledb.restoring=on")
        run(end, server.url)
        assert run(version, server.url) == versions
        assert facts_of(server.url) == before
