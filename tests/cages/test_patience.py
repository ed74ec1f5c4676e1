"""Waiting for the database: how long, what for, and what is logged and told of it."""

import itertools
import logging
import threading

import pytest
from django.db import (
    DataError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from cages.operations import outage
from cages.operations.outage import Cause
from cages.polling import patience
from cages.polling.patience import PROOFS, Patience, Stopping, pauses

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(monkeypatch, settings):
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", 0)
    yield Patience("results are written")
    outage.tell_the_end()


def raises(error, times):
    """Work that raises the error so many times and then returns "done"."""
    left = iter([error] * times)

    def work():
        for each in left:
            raise each
        return "done"

    return work


def said_by_postgresql(statement):
    """The error that the statement ends with, from the real server."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except Exception as error:
        return error
    raise AssertionError("no error")


CODE = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '%s'; END $$"


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        ("SET TRANSACTION READ ONLY; CREATE TABLE of_nobody ()", Cause.DATABASE_READ_ONLY),
        ("SELECT FROM of_nobody", Cause.DATABASE_INCOMPLETE),
        (CODE % "53100", Cause.DATABASE_FULL),
        (CODE % "57P01", Cause.DATABASE_AWAY),
        (CODE % "40P01", Cause.DATABASE_REFUSES),
        ("SELECT 99999999999::int", None),
        ("INSERT INTO cages_pollcycle (slot) VALUES (NULL)", None),
    ],
)
def test_every_error_has_its_cause_and_errors_of_the_data_have_none(statement, cause):
    assert outage.cause_of(said_by_postgresql(statement)) == cause


def test_a_connection_that_fails_is_a_database_that_is_away():
    assert outage.cause_of(OperationalError("connection refused")) == Cause.DATABASE_AWAY
    assert outage.cause_of(ValueError("not of the database")) is None


def test_pauses_grow_up_to_a_limit():
    assert list(itertools.islice(pauses(), 8)) == [0.5, 1, 2, 4, 8, 10, 10, 10]


def test_work_is_tried_again_until_the_database_does_it(recording):
    assert recording.wait_out(raises(ProgrammingError("refused"), 12)) == "done"


def test_an_error_of_the_data_is_not_waited_for(recording):
    with pytest.raises(DataError):
        recording.wait_out(raises(DataError("out of range"), 1))


def test_an_error_of_this_work_alone_is_known_by_what_is_written_meanwhile(recording):
    tries = []

    def refused():
        tries.append("a try")
        recording.wait_out(lambda: "another")
        raise said_by_postgresql(CODE % "0A000")

    with pytest.raises(NotSupportedError):
        recording.wait_out(refused)
    assert len(tries) == PROOFS


def test_an_outage_is_logged_once_in_the_words_of_postgresql_and_told_to_the_pages(
    recording, caplog
):
    seen = []

    def work():
        if len(seen) < 3:
            seen.append(outage.told())
            raise said_by_postgresql(CODE % "53100")

    with caplog.at_level(logging.WARNING):
        recording.wait_out(work)
    first, last = caplog.messages
    assert first.startswith("No results are written. The database cannot write because its disk")
    assert "could not extend file" in first
    assert last.startswith("Again results are written, after ")
    assert seen[0] is None
    assert (seen[1].cause, seen[1].since) == (Cause.DATABASE_FULL, seen[2].since)
    assert outage.told() is None


def test_whoever_waits_can_be_stopped(recording):
    recording.stop = threading.Event()
    recording.stop.set()
    with pytest.raises(Stopping):
        recording.wait_out(raises(OperationalError("away"), 9))
