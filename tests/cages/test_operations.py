"""The operations page: the ledger of the last hour, and which parts are used."""

import pytest
from django.db import connection
from django.urls import reverse

from cages import storage
from cages.checks import database_is_usable
from cages.models import PollCycle, RetentionChange
from cages.storage import report
from tests.factories import MINUTE, at, make_cage, make_cycle, record_minute, slot
from tests.pages import queries_of, text_of

COUNTS = {"answered": 361, "unavailable": 110, "timeout": 5, "malformed": 1, "skipped": 3}


@pytest.fixture
def staff_browser(client_of, staff):
    return client_of(staff)


def test_operations_show_the_ledger_newest_first(staff_browser):
    make_cycle(slot("07:00"), planned=480, duration_ms=37_200, **COUNTS)
    make_cycle(slot("07:01"), planned=480, finished=False, answered=12)
    words = text_of(staff_browser.get(reverse("ops")))
    newest = "2026-03-02 07:01 480 12 0 0 0 0 0 0 12 recorded so far"
    assert f"{newest} 2026-03-02 07:00 480 361 110 5 0 0 1 3 37.2 s" in words


def test_operations_show_which_parts_are_used(staff_browser, settings):
    settings.POLL_TIMEOUT_SECONDS = 2.5
    words = text_of(staff_browser.get(reverse("ops")))
    assert "Storage plain PostgreSQL" in words or "Storage TimescaleDB 2." in words
    assert f"Sensor API {settings.SENSOR_API_URL}" in words
    assert "Poll timeout 2.5 s" in words
    assert "Facility time zone Europe/Berlin" in words


def test_operations_without_a_cycle_say_so(staff_browser):
    assert "No cycle yet." in text_of(staff_browser.get(reverse("ops")))


def test_operations_show_an_hour_with_a_fixed_number_of_queries(staff_browser):
    staff_browser.get(reverse("ops"))  # compares the zones, which is done once a day
    counts = []
    for number in (1, 90):
        PollCycle.objects.all().delete()
        for minute in range(number):
            make_cycle(slot("07:01") - minute * MINUTE, planned=1)
        counts.append(queries_of(staff_browser.get, reverse("ops")))
    ledger = staff_browser.get(reverse("ops")).content.decode().partition('id="ledger"')[2]
    assert ledger.count('<th scope="row">') == 60
    assert counts[0] == counts[1] <= 10


def test_operations_tell_of_the_storage_and_who_limited_it(staff_browser):
    page = text_of(staff_browser.get(reverse("ops")))
    assert "Retention no limit" in page
    assert "cages_poll" in page
    assert "rows on plain PostgreSQL" not in page
    RetentionChange.objects.create(at=at("07:00"), person="grace", keep_days=1200)
    page = text_of(staff_browser.get(reverse("ops")))
    assert "Retention 1,200 days, set by grace on 2026-03-02" in page


def test_more_rows_than_plain_postgresql_bears_are_told(staff_browser, monkeypatch):
    record_minute(make_cage(), slot("07:00"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cages_poll")
    assert database_is_usable(None, ["default"]) == []
    monkeypatch.setattr("cages.storage.report.MANY_PLAIN_ROWS", 0)
    (warning,) = database_is_usable(None, ["default"])
    assert warning.id == "cages.W002"
    assert "cages_poll has about 1 rows" in warning.msg
    assert "Install TimescaleDB" in text_of(staff_browser.get(reverse("ops")))


@pytest.mark.storage
def test_the_jobs_and_sizes_of_timescaledb_are_told(transactional_db):
    record_minute(make_cage(), slot("07:00"))
    names = {one.name for one in report.series(connection)}
    assert storage.POLLS in names
    if storage.timescaledb_version(connection):
        assert names == {storage.POLLS, *storage.ROLLUPS}
        jobs = {(job.name, job.relation) for job in report.jobs(connection)}
        assert ("Columnstore Policy", "cages_poll") in jobs
        assert ("Refresh Continuous Aggregate Policy", "cages_poll_daily") in jobs
        assert len(jobs) == 5


def test_operations_say_how_many_results_are_kept_aside(staff_browser, monkeypatch):
    assert "kept aside" not in text_of(staff_browser.get(reverse("ops")))
    monkeypatch.setattr("cages.polling.set_aside.count", lambda: 1200)
    page = text_of(staff_browser.get(reverse("ops")))
    assert "1,200 results could not be written and are kept aside. manage.py set_aside" in page
