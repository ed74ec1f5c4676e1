"""A plain database that gained TimescaleDB: converted in steps, while it is used, whatever happens.

What needs TimescaleDB runs in its own lane (TEST_STORAGE=timescaledb).
"""

import pytest
from django.core.management import call_command
from django.db import connection

from cages.models import Cage, Health, Outcome, Poll
from cages.polling.recorder import record
from cages.storage import POLLS, conversion, layout
from tests.cages.test_storage import ON_TIMESCALEDB, expected_kinds, kinds, make_plain
from tests.factories import MINUTE, make_cage, record_minute, result, slot

DAY = 1440 * MINUTE
FIRST = slot("07:00")


def everything():
    return list(Poll.objects.order_by("pk").values())


@pytest.fixture
def plain(storage_of_its_own, monkeypatch):
    """A plain database with three days of minutes, and too many of them to be moved at once."""
    make_plain(monkeypatch)
    monkeypatch.setattr(layout, "FEW_ROWS", 5)
    cages = [make_cage(), make_cage()]
    for number in range(8):
        record_minute(cages[number % 2], FIRST + number * DAY / 3, status=Health.OK)
        record_minute(cages[0], FIRST + number * DAY / 3 + MINUTE, outcome=Outcome.TIMEOUT)
    yield cages
    call_command("setup_storage")
    assert kinds() == expected_kinds()


@pytest.mark.storage
def test_setting_up_the_layout_alone_leaves_large_tables_as_they_are(plain, capsys):
    before = everything()
    call_command("setup_storage", "--layout-only")
    assert set(kinds().values()) == {"table", "view"}
    assert everything() == before
    assert ("run `manage.py setup_storage`" in capsys.readouterr().out) == ON_TIMESCALEDB


@pytest.mark.storage
def test_a_large_table_is_converted_with_everything_in_it(plain):
    before = everything()
    call_command("setup_storage")
    assert kinds() == expected_kinds()
    assert everything() == before
    with connection.cursor() as cursor:
        key = connection.introspection.get_primary_key_columns(cursor, POLLS)
        assert sorted(key) == ["cage_id", "slot"]
        found = connection.introspection.get_constraints(cursor, POLLS)
        assert [c["foreign_key"] for c in found.values() if c["foreign_key"]] == [
            (Cage._meta.db_table, "id")
        ]
        assert any(c["check"] for c in found.values())
    assert record(FIRST, [result(plain[0])], FIRST) == 0
    assert record(FIRST + 40 * DAY, [result(plain[0])], FIRST) == 1


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="there is nothing to convert to")
def test_an_interrupted_conversion_goes_on_and_misses_nothing_that_changed(plain):
    for _ in conversion.convert(connection):
        break  # as if somebody pressed Ctrl-C after the first step
    assert set(kinds().values()) == {"table", "view"}
    # Meanwhile: a late answer in the part already copied, a deleted row, and a new one.
    Poll.objects.filter(cage=plain[0], slot=FIRST).update(latency_ms=4321)
    Poll.objects.filter(slot=FIRST + MINUTE).delete()
    record_minute(plain[1], FIRST + 9 * DAY, status=Health.BAD)
    before = everything()
    call_command("setup_storage")
    assert kinds() == expected_kinds()
    assert everything() == before


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="there is nothing to convert to")
def test_what_changes_after_the_last_step_is_there_too(plain):
    steps = conversion.convert(connection)
    for _ in range(3):
        next(steps)
    Poll.objects.filter(slot=FIRST).update(status=Health.BAD)
    record_minute(plain[1], FIRST + 12 * DAY, status=Health.PERFECT)
    before = everything()
    assert list(steps) == [] or everything() == before
    assert everything() == before
    assert kinds()[POLLS] == "hypertable"
