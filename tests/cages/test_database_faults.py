"""What is wrong with the database although it answers, and where that is told."""

import logging
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from cages.checks import database_is_usable
from cages.doctor import database
from cages.doctor.findings import Level
from cages.operations import database_faults
from cages.operations.database_faults import days_begun_differently, faults
from cages.storage import report
from cages.storage.engine import Engine
from tests.cages.test_storage import ON_TIMESCALEDB
from tests.factories import at
from tests.pages import text_of

# The tests have one role for all.
ONE_ROLE = "cages.W007"

TODAY = date(2026, 7, 1)
only_timescaledb = pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL has no jobs")


@pytest.fixture
def other_rules(monkeypatch):
    """Python's data of Berlin is as if it had no summer time; PostgreSQL's has it."""
    days_begun_differently.cache_clear()
    monkeypatch.setattr(database_faults, "ZoneInfo", lambda name: ZoneInfo("Africa/Tunis"))
    yield
    days_begun_differently.cache_clear()


@pytest.fixture
def engine_is(monkeypatch):
    def give(*found):
        monkeypatch.setattr(database_faults, "engine", lambda connection: Engine(*found))

    return give


def in_the_log(caplog):
    with caplog.at_level(logging.WARNING, "cages"):
        database_faults.log_faults()
    return caplog.text


@pytest.mark.storage
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Havana", "Africa/Cairo"])
def test_both_engines_begin_the_same_days_at_the_same_moments(db, zone):
    days_begun_differently.cache_clear()
    assert days_begun_differently(zone, TODAY) == []


@pytest.mark.storage
def test_a_zone_that_the_engines_know_differently_is_told_everywhere(
    other_rules, client, client_of, staff, caplog, monkeypatch
):
    first, *_rest, last = days_begun_differently("Europe/Berlin", TODAY)
    assert first < TODAY < last
    assert TODAY in _rest
    (fault,) = faults(timezone.now())
    assert "Python and PostgreSQL begin" in fault.words
    assert "days of Europe/Berlin at different moments" in fault.words
    assert [one.id for one in database_is_usable(None, ["default"])] == ["cages.W006", ONE_ROLE]
    assert client.get(reverse("readyz")).json()["degraded"] == [fault.words]
    assert 'neurocage_database_faults{kind="zone"} 1.0' in metrics(client)
    assert fault.words in text_of(client_of(staff).get(reverse("ops")))
    assert fault.words in in_the_log(caplog)


def metrics(client):
    return client.get(reverse("metrics")).content.decode()


def test_the_zones_are_compared_once_a_day_in_each_process(
    other_rules, db, django_assert_num_queries
):
    days_begun_differently("Europe/Berlin", TODAY)
    with django_assert_num_queries(0):
        days_begun_differently("Europe/Berlin", TODAY)
    with django_assert_num_queries(1):
        days_begun_differently("Europe/Berlin", TODAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            ("17.12", "2.29.2", False),
            ["The jobs of TimescaleDB 2.29.2 fail with PostgreSQL 17.12."],
        ),
        (("17.11", "2.29.2", True), ["The database is still being restored"]),
        (("17.11", "2.29.2", False), []),
        (("18.6", None, False), []),
    ],
)
def test_a_bad_pair_of_versions_and_an_unfinished_restore_are_told(
    db, engine_is, monkeypatch, found, words
):
    monkeypatch.setattr(report, "jobs", lambda connection: [])
    engine_is(*found)
    told = faults(at("07:00"))
    assert len(told) == len(words)
    assert all(fault.words.startswith(word) for fault, word in zip(told, words, strict=True))


# What TimescaleDB's scheduler, which this server lacks, writes when a run has failed.
FAILED_RUN = """
    INSERT INTO _timescaledb_internal.bgw_job_stat (
        job_id, last_start, last_finish, next_start, last_successful_finish, last_run_success,
        total_runs, total_duration, total_duration_failures, total_successes, total_failures,
        total_crashes, consecutive_failures, consecutive_crashes, flags
    ) SELECT job_id, now() - interval '1 minute', now(), {next_start}, '-infinity', {succeeded},
             3, '0', '0', 0, 3, 0, 3, 0, 0
      FROM timescaledb_information.jobs
      WHERE proc_name = 'policy_compression' AND hypertable_name = 'cages_poll';
    INSERT INTO _timescaledb_internal.bgw_job_stat_history (
        job_id, pid, execution_start, execution_finish, succeeded, data
    ) SELECT job_id, 1, now() - interval '1 minute', now(), false,
             '{{"error_data": {{"sqlerrcode": "XX000", "message": "cannot drop portal"}}}}'
      FROM timescaledb_information.jobs
      WHERE proc_name = 'policy_compression' AND hypertable_name = 'cages_poll'
"""


def write_run(next_start, succeeded):
    with connection.cursor() as cursor:
        cursor.execute(FAILED_RUN.format(next_start=next_start, succeeded=succeeded))


@pytest.mark.storage
@only_timescaledb
def test_a_failing_job_is_told_with_its_error(db, client, client_of, staff, caplog):
    write_run("now() + interval '1 hour'", succeeded=False)
    words = "The job Columnstore Policy of cages_poll fails: XX000 cannot drop portal"
    assert [fault.words for fault in faults(timezone.now())] == [words]
    assert [one.id for one in database_is_usable(None, ["default"])] == ["cages.W003", ONE_ROLE]
    assert client.get(reverse("readyz")).json()["degraded"] == [words]
    assert 'neurocage_database_faults{kind="jobs"} 1.0' in metrics(client)
    page = text_of(client_of(staff).get(reverse("ops")))
    assert words in page
    assert "failed XX000 cannot drop portal" in page
    assert words in in_the_log(caplog)


@pytest.mark.storage
@only_timescaledb
@pytest.mark.parametrize(
    ("next_start", "told"),
    [("now() - interval '2 days'", True), ("'-infinity'", False), ("now()", False)],
)
def test_jobs_that_nothing_starts_are_told_but_not_those_at_work(db, next_start, told):
    write_run(next_start, succeeded=True)
    found = [fault.words for fault in faults(timezone.now())]
    assert (
        found
        == ["The job Columnstore Policy of cages_poll should have run more than a day ago."] * told
    )


@pytest.mark.storage
@only_timescaledb
@pytest.mark.parametrize(
    ("next_start", "succeeded", "told"),
    [
        ("now() - interval '2 days'", True, "It is overdue."),
        ("now() + interval '1 hour'", False, "It failed: XX000 cannot drop portal"),
    ],
)
def test_the_doctor_names_the_job_that_is_ill_and_no_other(db, next_start, succeeded, told):
    write_run(next_start, succeeded)
    ill = [
        one for one in database.look() if one.part == "TimescaleDB" and one.level == Level.WARNING
    ]
    assert [one.words.partition(":")[0] for one in ill] == ["Columnstore Policy of cages_poll"]
    assert ill[0].words.endswith(told)
    assert ill[0].todo
