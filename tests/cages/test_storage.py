"""The tables: migrations there and back, and what they lie on, with TimescaleDB and without."""

import os
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from cages import storage
from cages.models import Health, Reading
from cages.storage import layout
from tests.factories import make_cage, record_minute, slot

ON_TIMESCALEDB = os.environ.get("TEST_STORAGE") == "timescaledb"
SLOT = slot("07:00")


def kinds():
    """What each relation of the storage is: a table, a view, a hypertable, a continuous ..."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relkind FROM pg_class WHERE relname IN %s",
            [(*storage.TIME_SERIES_TABLES, *storage.ROLLUPS)],
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
    return dict.fromkeys(storage.TIME_SERIES_TABLES, table) | dict.fromkeys(storage.ROLLUPS, view)


@pytest.mark.storage
def test_migrations_go_forwards_backwards_and_forwards(transactional_db):
    assert kinds() == expected_kinds()
    try:
        call_command("migrate", "cages", "zero", verbosity=0)
        assert kinds() == {}
        call_command("migrate", "cages", "0001", verbosity=0)
        assert kinds() == dict.fromkeys(storage.TIME_SERIES_TABLES, "table")
    finally:
        call_command("migrate", verbosity=0)
    assert kinds() == expected_kinds()
    cage = make_cage()
    record_minute(cage, SLOT, status=Health.BAD)
    record_minute(cage, SLOT, status=Health.OK)
    assert Reading.objects.get().status == Health.BAD


@pytest.mark.storage
def test_the_storage_can_be_set_up_any_number_of_times(storage_of_its_own, capsys):
    record_minute(make_cage(), SLOT)
    for _ in range(2):
        call_command("setup_storage")
        assert kinds() == expected_kinds()
    kind = "TimescaleDB 2." if ON_TIMESCALEDB else "PostgreSQL."
    assert capsys.readouterr().out.count(f"The time series lie on {kind}") == 2
    assert Reading.objects.count() == 1


@pytest.mark.storage
def test_a_plain_database_may_gain_timescaledb_and_keeps_its_rows(storage_of_its_own, monkeypatch):
    call_command("migrate", "cages", "zero", verbosity=0)
    try:
        with monkeypatch.context() as plain:
            plain.setattr(layout, "timescaledb_is_available", lambda connection: False)
            call_command("migrate", verbosity=0)
        assert set(kinds().values()) == {"table", "view"}
        record_minute(make_cage(), SLOT)
    finally:
        call_command("migrate", verbosity=0)
        call_command("setup_storage", stdout=StringIO())
    assert kinds() == expected_kinds()
    assert Reading.objects.get().slot == SLOT


@pytest.mark.storage
def test_a_key_of_cage_and_slot_is_really_there(db):
    with connection.cursor() as cursor:
        for table in storage.TIME_SERIES_TABLES:
            key = connection.introspection.get_primary_key_columns(cursor, table)
            assert sorted(key) == ["cage_id", "slot"]
