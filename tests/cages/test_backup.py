"""`manage.py backup` and `manage.py restore`, on a real PostgreSQL and on a real TimescaleDB."""

import io
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from cages import storage
from cages.models import Backup, Health, Outcome, Poll
from cages.operations import verdict
from cages.operations.backup import archive, making, manifest, restoring
from cages.operations.backup.manifest import Manifest
from cages.slots import slot_of
from local_stack.config import BASE_DIR, child_environment
from local_stack.postgres import postgres_programs
from tests.conftest import ON_TIMESCALEDB
from tests.factories import MINUTE, at, make_cage, make_cycle, write_polls
from tests.timescaledb.server import TimescaleServer

HOUR = timedelta(hours=1)
NOW = at("07:02")
NAME = f"restored_{os.getpid()}"
plain_only = pytest.mark.skipif(ON_TIMESCALEDB, reason="its server has one database")


@pytest.fixture(autouse=True)
def _programs(settings):
    settings.POSTGRES_PROGRAMS = str(postgres_programs())


@pytest.fixture
def three_days(transactional_db):
    """Two cages with a minute in ten of three days, and their ledger."""
    cages = [make_cage(), make_cage()]
    first = slot_of(timezone.now()) - timedelta(days=3)
    slots = [first + number * 10 * MINUTE for number in range(3 * 144)]
    for each in slots:
        make_cycle(each, planned=2, answered=1, timeout=1)
    for cage, ended in zip(cages, (Health.OK, Outcome.TIMEOUT), strict=True):
        write_polls(cage, [(each, ended, 1500) for each in slots])
    return cages


@pytest.fixture
def beside(transactional_db):
    """The URL of a new, empty database beside the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME}")
        cursor.execute(f"CREATE DATABASE {NAME} TEMPLATE template0")
    server = connection.settings_dict
    login = f"{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}"
    yield f"postgresql://{login}/{NAME}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def back_up(path):
    said = io.StringIO()
    call_command("backup", str(path), stdout=said, stderr=said)
    return path


def restore(url, path, *options, **variables):
    """(exit code, everything that was said) of `manage.py restore` on this database."""
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", str(path), *options],
        env=child_environment(
            DATABASE_URL=url, POSTGRES_PROGRAMS=str(postgres_programs()), **variables
        ),
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@plain_only
def test_a_restored_backup_holds_what_was_backed_up(three_days, beside, tmp_path):
    path = back_up(tmp_path / "neurocage.backup")
    code, said = restore(beside, path)
    assert code == 0, said
    assert "the last whole day and the ledger are as they were" in said
    code, told = restore("postgresql://nobody@127.0.0.1:1/none", path, "--only-check")
    assert code == 0
    assert "A whole backup, taken at " in told
    with path.open("rb") as file, archive.reading(file) as reader:
        noted = Manifest.unpack(reader.manifest)
    assert noted.contents.rows["cages_poll"] == 864
    assert noted.contents.ledger["planned"] == 864
    # A day of 23, 24 or 25 hours.
    assert noted.contents.last_day.checksum.partition(":")[0] in {"276", "288", "300"}
    assert noted.contents.last_day.faults == 0


@plain_only
def test_a_backup_of_a_busy_database_is_of_one_moment(three_days, beside, tmp_path, monkeypatch):
    take = manifest.take

    def take_while_others_write(now):
        noted = take(now)
        subprocess.run(
            [postgres_programs() / "psql", "-c", "UPDATE cages_poll SET latency_ms = 7"],
            env=making.programs.environment_of(connection.settings_dict),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return noted

    monkeypatch.setattr(manifest, "take", take_while_others_write)
    path = back_up(tmp_path / "neurocage.backup")
    assert set(Poll.objects.values_list("latency_ms", flat=True)) == {7}
    code, said = restore(beside, path)
    assert code == 0, said


@plain_only
def test_a_backup_is_noted_with_its_size(three_days, tmp_path):
    path = back_up(tmp_path / "neurocage.backup")
    noted = Backup.objects.get()
    assert noted.size_bytes == path.stat().st_size
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert [file.name for file in tmp_path.iterdir()] == ["neurocage.backup"]


@plain_only
def test_a_backup_that_cannot_be_noted_stays(transactional_db, tmp_path, monkeypatch):
    def refuse(*_):
        raise OperationalError("gone at postgresql://me:hidden@host")

    monkeypatch.setattr(making, "note", refuse)
    said = io.StringIO()
    call_command("backup", str(tmp_path / "neurocage.backup"), stderr=said)
    assert (tmp_path / "neurocage.backup").exists()
    assert "It is whole, but was not noted" in said.getvalue()
    assert "hidden" not in said.getvalue()


@plain_only
def test_a_backup_goes_to_standard_output(transactional_db, tmp_path):
    server = connection.settings_dict
    login = f"{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}"
    done = subprocess.run(
        [sys.executable, "manage.py", "backup", "-"],
        env=child_environment(
            DATABASE_URL=f"postgresql://{login}/{server['NAME']}",
            POSTGRES_PROGRAMS=str(postgres_programs()),
        ),
        cwd=BASE_DIR,
        capture_output=True,
        timeout=120,
        check=True,
    )
    with archive.reading(io.BytesIO(done.stdout)) as reader:
        assert b"".join(reader.parts()).startswith(b"PGDMP")
    assert Backup.objects.get().size_bytes == len(done.stdout)
    assert server["PASSWORD"].encode() not in done.stdout + done.stderr


@plain_only
def test_a_dump_that_fails_leaves_no_file(transactional_db, tmp_path, monkeypatch):
    monkeypatch.setattr(making, "DUMP_OPTIONS", (*making.DUMP_OPTIONS, "--table=nothing_like_it"))
    with pytest.raises(CommandError, match="No backup was made. pg_dump failed: .*no matching"):
        back_up(tmp_path / "neurocage.backup")
    assert not list(tmp_path.iterdir())
    assert not Backup.objects.exists()


@plain_only
def test_a_full_disk_ends_the_backup_before_it_is_full(transactional_db, tmp_path, monkeypatch):
    monkeypatch.setattr(making, "KEPT_FREE_BYTES", 10**18)
    with pytest.raises(CommandError, match="bytes free. The backup needs"):
        back_up(tmp_path / "neurocage.backup")
    assert not list(tmp_path.iterdir())


def test_no_file_is_overwritten(tmp_path):
    (tmp_path / "old").write_text("precious")
    with (
        pytest.raises(making.BackupError, match="exists already"),
        making.new_file(tmp_path / "old"),
    ):
        pass
    assert (tmp_path / "old").read_text() == "precious"


@plain_only
def test_a_missing_pg_dump_is_told_with_its_package(transactional_db, tmp_path, settings):
    settings.POSTGRES_PROGRAMS = str(tmp_path)
    with pytest.raises(CommandError, match="Install the package postgresql-client-[0-9]+"):
        back_up(tmp_path / "neurocage.backup")


# Restore


@plain_only
def test_a_database_that_is_not_empty_is_replaced_only_by_its_name(three_days, beside, tmp_path):
    path = back_up(tmp_path / "neurocage.backup")
    assert restore(beside, path)[0] == 0
    code, said = restore(beside, path)
    assert code == 1
    assert f"add --replace {NAME}" in said
    code, said = restore(beside, path, "--replace", "another")
    assert code == 1
    assert "--replace names another" in said
    code, said = restore(beside, path, "--replace", NAME)
    assert code == 0, said


@plain_only
def test_a_database_in_use_is_not_replaced(transactional_db, tmp_path):
    path = back_up(tmp_path / "neurocage.backup")
    server = connection.settings_dict
    login = f"{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}"
    url = f"postgresql://{login}/{server['NAME']}"
    code, said = restore(url, path, "--replace", server["NAME"])
    assert code == 1
    assert "other sessions use the database" in said


@plain_only
def test_a_file_that_is_not_whole_changes_nothing(three_days, beside, tmp_path):
    path = back_up(tmp_path / "neurocage.backup")
    whole = path.read_bytes()
    assert restore(beside, path)[0] == 0
    for broken, why in (
        (whole[: len(whole) // 2], "not whole"),
        (whole[:-12_000], "not whole"),
        (b"no backup", "no backup of Neurocage"),
    ):
        path.write_bytes(broken)
        code, said = restore(beside, path, "--replace", NAME)
        assert code == 1, said
        assert why in said
    path.write_bytes(whole)
    code, said = restore(beside, path)
    assert "is not empty" in said


def packed(parts=(b"one", b"two"), **facts):
    out = io.BytesIO()
    archive.write(out, facts, parts)
    return out


def test_a_damaged_part_is_noticed():
    whole = packed().getvalue()
    with (
        archive.reading(io.BytesIO(whole.replace(b"two", b"six"))) as reader,
        pytest.raises(archive.BackupError, match="damaged"),
    ):
        list(reader.parts())


def test_the_size_of_a_backup_is_counted():
    out = io.BytesIO()
    size = archive.write(out, {}, [b"x" * 30_000, b"y"])
    assert size == len(out.getvalue())


NOTED = Manifest(
    taken_at="2026-03-02T06:00:00+00:00",
    neurocage="1.0",
    postgresql="17.6",
    timescaledb="2.29.1",
    time_zone="Europe/Berlin",
    migrations={"cages": "0001_initial", "of_a_library": "0099_unknown"},
    contents=manifest.Contents({}, {}, None),
)


def target(postgresql="17.8", versions=("2.29.1",), timescaledb=None):
    default = versions[-1] if versions else None
    return restoring.Target("nc", postgresql, timescaledb, list(versions), default, 0, 0)


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (target(postgresql="16.4"), "version 17 or newer"),
        (target(versions=["2.29.2"]), r"needs TimescaleDB 2.29.1, and this server has 2.29.2"),
        (target(versions=[]), "this server has no TimescaleDB"),
    ],
)
def test_a_server_that_would_lose_something_is_refused(there, why):
    with pytest.raises(restoring.BackupError, match=why):
        restoring.refuse(NOTED, there)
    restoring.refuse(NOTED, target())


def test_a_backup_of_a_newer_neurocage_is_refused():
    newer = Manifest(**{**vars_of(NOTED), "migrations": {"cages": "9999_later"}})
    with pytest.raises(restoring.BackupError, match=r"newer Neurocage .* cages.9999_later"):
        restoring.refuse(newer, target())


def vars_of(noted):
    return {name: getattr(noted, name) for name in noted.__dataclass_fields__}


def test_other_versions_are_told_before_the_restore():
    assert not list(restoring.warnings(NOTED, target()))
    told = list(restoring.warnings(NOTED, target("18.1", ["2.29.1", "2.30.0"])))
    assert "by PostgreSQL 17.6; this is 18.1" in told[0]
    assert "ALTER EXTENSION timescaledb UPDATE" in told[1]
    with pytest.raises(restoring.BackupError, match="has TimescaleDB 2.30.0 already"):
        restoring.refuse_other_extension(NOTED, target(timescaledb="2.30.0"))


@plain_only
def test_every_difference_is_named(three_days):
    now = timezone.now()
    before = manifest.contents(now)
    Poll.objects.filter(cage=three_days[0]).update(latency_ms=7)
    Poll.objects.filter(cage=three_days[1]).delete()
    told = manifest.differences(before, manifest.contents(now, before.last_day))
    assert told[0] == "cages_poll: 864 rows in the backup, 432 here"
    assert "are not the same" in told[1]
    assert told[2].startswith("check_ledger finds ")


# What else of a hypertable must be the same before and after.
FACTS = (
    """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
       WHERE conrelid = 'cages_poll'::regclass ORDER BY conname""",
    """SELECT hypertable_name, count(*), count(*) FILTER (WHERE is_compressed)
       FROM timescaledb_information.chunks GROUP BY 1 ORDER BY 1""",
    """SELECT proc_name, hypertable_name, schedule_interval, config
       FROM timescaledb_information.jobs WHERE job_id >= 1000 ORDER BY job_id""",
    "SELECT obj_description('cages_poll_daily'::regclass)",
    "SELECT sum(planned), sum(bad) FROM cages_poll_hourly",
    "SELECT last_value FROM people_user_id_seq",
)


def facts():
    found = []
    with connection.cursor() as cursor:
        for query in FACTS:
            cursor.execute(query)
            found.append(cursor.fetchall())
    return found


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="a backup of plain PostgreSQL is tested above")
def test_a_backup_of_a_hypertable_is_restored(storage_of_its_own, monkeypatch):
    """With its rows, keys, roll-ups, compressed chunks and jobs.

    The server of the tests can neither read COPY nor make a database, and has one session. So the
    backup is made of INSERT statements after our own session has ended, and the empty database is
    a second server. pg_restore is told that a restore is under way, which a new session of a
    native server knows from the database.
    """
    first = slot_of(timezone.now()) - timedelta(days=70)
    slots = [first + number * timedelta(hours=7) for number in range(240)]
    for each in slots:
        make_cycle(each, planned=2, answered=2)
    for cage in (make_cage(), make_cage()):
        write_polls(cage, [(each, Health.BAD, 1500) for each in slots])
    call_command("setup_storage", stdout=io.StringIO())
    before, noted = facts(), manifest.take(timezone.now())
    assert noted.timescaledb == storage.timescaledb_version(connection)
    assert noted.contents.rows["cages_poll_daily"] > 0
    options, out = ["--rows-per-insert=1000"], io.BytesIO()
    dumping = making.dump(noted.postgresql_major, options, lambda size: None, lambda: None)
    connection.close()
    archive.write(out, noted.pack(), dumping)
    out.seek(0)
    with TimescaleServer() as server, monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", server.port)
        patch.setenv("PGOPTIONS", "-c timescaledb.restoring=on")
        with archive.reading(out) as reader:
            found = Manifest.unpack(reader.manifest)
            restoring.restore(reader, found, lambda size: None)
        patch.delenv("PGOPTIONS")
        assert restoring.check(found) == []
        assert facts() == before
        connection.close()


# Overdue


def parts_of(now):
    return {part.name: part for part in verdict.parts_of(verdict.Findings(now))}


@pytest.mark.django_db
def test_no_backup_is_expected_unless_somebody_says_so():
    assert "Backup" not in parts_of(timezone.now())


@pytest.mark.django_db
def test_the_verdict_says_when_a_backup_is_overdue(settings):
    settings.BACKUP_MAX_AGE_HOURS = 26
    assert parts_of(NOW)["Backup"].state == "ill"
    Backup.objects.create(taken_at=NOW - 26 * HOUR, finished_at=NOW, size_bytes=2048)
    assert parts_of(NOW)["Backup"].state == "well"
    assert parts_of(NOW)["Backup"].words == "The newest one has 2.0\xa0KB."
    later = parts_of(NOW + HOUR)["Backup"]
    assert (later.state, later.since) == ("ill", NOW)
