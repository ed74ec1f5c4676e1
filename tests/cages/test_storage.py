"""The tables: migrations there and back, and what they lie on, with TimescaleDB and without."""

import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from cages import storage
from cages.models import Health, Outcome, Poll
from cages.storage import layout
from cages.storage.rollups import VIEWS
from tests.conftest import migrate
from tests.factories import make_cage, record_minute, slot

ON_TIMESCALEDB = os.environ.get("TEST_STORAGE") == "timescaledb"
SLOT = slot("07:00")


def kinds():
    """What each relation of the storage is: a table, a view, a hypertable, a continuous ..."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relkind FROM pg_class WHERE relname IN %s",
            [(storage.POLLS, *storage.ROLLUPS)],
        )
        found = {name: {"r": "table", "v": "view"}[kind] for name, kind in cursor.fetchall()}
        if storage.timescaledb_version(connection):
            cursor.execute("SELECT hypertable_name FROM timescaledb_information.hypertables")
            found |= {name: "hypertable" for (name,) in cursor.fetchall() if name in found}
            cursor.execute("SELECT view_name FROM timescaledb_information.continuous_aggregates")
            found |= {name: "continuous aggregate" for (name,) in cursor.fetchall()}
    return found


def expected_kinds():
    table, view = ("hypertable", "continuous aggregate") if ON_TIMESCALEDB else ("table", "view")
    return {storage.POLLS: table} | dict.fromkeys(storage.ROLLUPS, view)


def make_plain(monkeypatch):
    """Make the tables as a database without TimescaleDB has them. A plain one has them already."""
    if ON_TIMESCALEDB:
        call_command("migrate", "cages", "zero", verbosity=0)
        with monkeypatch.context() as without:
            without.setattr(layout, "timescaledb_is_available", lambda connection: False)
            migrate()


@pytest.mark.storage
def test_migrations_go_forwards_backwards_and_forwards(transactional_db):
    assert kinds() == expected_kinds()
    try:
        call_command("migrate", "cages", "zero", verbosity=0)
        assert kinds() == {}
        call_command("migrate", verbosity=0)
        assert kinds() == {storage.POLLS: "table"}
    finally:
        migrate()
    assert kinds() == expected_kinds()
    cage = make_cage()
    record_minute(cage, SLOT, status=Health.BAD)
    record_minute(cage, SLOT, status=Health.OK)
    assert Poll.objects.get().status == Health.BAD


@pytest.mark.storage
def test_the_storage_can_be_set_up_any_number_of_times(storage_of_its_own, capsys):
    record_minute(make_cage(), SLOT)
    for _ in range(2):
        call_command("setup_storage")
        assert kinds() == expected_kinds()
    kind = "TimescaleDB 2." if ON_TIMESCALEDB else "PostgreSQL."
    assert capsys.readouterr().out.count(f"The minutes are stored in {kind}") == 2
    assert Poll.objects.count() == 1


@pytest.mark.storage
def test_a_plain_database_may_gain_timescaledb_and_keeps_its_rows(storage_of_its_own, monkeypatch):
    try:
        make_plain(monkeypatch)
        assert set(kinds().values()) == {"table", "view"}
        record_minute(make_cage(), SLOT)
    finally:
        call_command("setup_storage", stdout=StringIO())
    assert kinds() == expected_kinds()
    assert Poll.objects.get().slot == SLOT


@pytest.mark.storage
def test_people_who_read_with_sql_find_each_fact_on_its_own(db):
    cage = make_cage()
    record_minute(cage, SLOT, status=Health.BAD)
    record_minute(cage, slot("07:01"), outcome=Outcome.UNAVAILABLE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cage_id, slot, status FROM cages_reading")
        assert cursor.fetchall() == [(cage.pk, SLOT, Health.BAD)]
        cursor.execute(
            """SELECT slot, latency_ms, outcome, http_status, detail FROM cages_sensorrequest
               WHERE cage_id = %s ORDER BY slot""",
            [cage.pk],
        )
        assert cursor.fetchall() == [
            (SLOT, 1500, Outcome.ANSWERED, 200, None),
            (slot("07:01"), 1500, Outcome.UNAVAILABLE, 503, None),
        ]


# From before 1.0


@pytest.fixture(params=["a table of readings", "a migration"])
def database_before_1_0(storage_of_its_own, request):
    """A database with what only a version before 1.0 made."""
    with connection.cursor() as cursor:
        if request.param == "a migration":
            cursor.execute(
                """INSERT INTO django_migrations (app, name, applied)
                   VALUES ('cages', '0002_storage', now())"""
            )
        else:
            cursor.execute(f"DROP VIEW {', '.join(VIEWS)}")
            cursor.execute("CREATE TABLE cages_reading (slot timestamptz)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '0002_storage'")
        if request.param != "a migration":
            cursor.execute("DROP TABLE cages_reading")


def relations():
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT oid, relname FROM pg_class
               WHERE relnamespace = current_schema()::regnamespace ORDER BY oid"""
        )
        return cursor.fetchall()


@pytest.mark.storage
@pytest.mark.parametrize(
    ("command", "error"), [("migrate", SystemCheckError), ("setup_storage", CommandError)]
)
def test_a_database_from_before_1_0_is_refused_by_name_and_left_untouched(
    database_before_1_0, command, error
):
    before = relations()
    with pytest.raises(error, match=r"made by a version before 1\.0.*Nothing in it was\s+changed"):
        call_command(command, skip_checks=False)
    assert relations() == before


@pytest.mark.storage
def test_no_query_is_compiled_by_the_server(db):
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
