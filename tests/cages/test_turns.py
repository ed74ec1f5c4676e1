"""`setup_storage` and retention take turns with TimescaleDB's jobs, and with each other.

The TimescaleDB of the tests runs no jobs and has one session. So the database is made to refuse as
it does when a job is in the way, and two sessions are tried on plain PostgreSQL.
"""

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from cages.storage import turns
from tests.conftest import ON_TIMESCALEDB

REFUSALS = [
    ("55P03", "could not refresh continuous aggregate due to a concurrent refresh"),
    ("40P01", "deadlock detected"),
    ("XX000", "tuple concurrently deleted"),
]
needs_two_sessions = pytest.mark.skipif(ON_TIMESCALEDB, reason="this server has one session")


def refuse(code, words):
    """Let the database refuse with this code and these words."""
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$BEGIN RAISE '{words}' USING ERRCODE = '{code}'; END$$")


def refused_twice(code, words):
    """Work that the database refuses twice and then does."""
    tries = iter((True, True, False))

    def work():
        if next(tries):
            refuse(code, words)
        return "done"

    return work


@pytest.fixture
def pauses(monkeypatch):
    """How long each pause was, in seconds. None is really made."""
    made = []
    monkeypatch.setattr("time.sleep", made.append)
    return made


@pytest.mark.storage
@pytest.mark.parametrize(("code", "words"), REFUSALS)
def test_what_meets_a_job_is_tried_again_after_growing_pauses(
    transactional_db, pauses, code, words
):
    assert turns.change_layout(connection, refused_twice(code, words)) == "done"
    assert pauses == [0.5, 1]


@pytest.mark.storage
def test_it_waits_no_longer_than_its_bound(transactional_db, pauses, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0)
    with pytest.raises(turns.StillBusyError, match="said: deadlock detected"):
        turns.retried(lambda: refuse("40P01", "deadlock detected"))
    assert pauses == []


@pytest.mark.storage
def test_any_other_error_is_raised_at_once(transactional_db, pauses):
    with pytest.raises(DatabaseError, match="disk full"):
        turns.retried(lambda: refuse("53100", "disk full"))
    assert pauses == []


@pytest.fixture
def other(transactional_db):
    """Another session of the same database."""
    session = connection.copy()
    yield session
    session.close()


@needs_two_sessions
def test_a_second_set_up_is_told_from_the_first_and_changes_nothing(other):
    with turns.only_one_setup(other):
        with pytest.raises(CommandError, match=r"Another `manage.py setup_storage` .*process \d+"):
            call_command("setup_storage")
        # What each start does needs no place of its own.
        call_command("setup_storage", "--layout-only")
    call_command("setup_storage")


@needs_two_sessions
def test_two_changes_of_the_layout_wait_for_each_other(other, monkeypatch):
    monkeypatch.setattr(turns, "LOCK_SECONDS", 0.01)
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", turns.LAYOUT)
    # The other one ends while this one waits.
    monkeypatch.setattr("time.sleep", lambda seconds: other.close())
    call_command("setup_storage", "--layout-only")
    assert other.connection is None
