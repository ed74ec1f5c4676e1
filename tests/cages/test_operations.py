"""The operations page: the ledger of the last hour, and which parts are used."""

import platform
import re

import pytest
from django.db import connection
from django.urls import reverse

from cages import storage
from cages.checks import database_is_usable
from cages.models import PollCycle, RetentionChange
from cages.operations import disk
from cages.storage import report
from cages.storage.engine import engine
from neurocage.version import version
from tests.factories import MINUTE, at, make_cage, make_cycle, record_minute, slot
from tests.pages import queries_of, text_of

NOW = at("07:02:30")
SECOND = MINUTE / 60
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
    assert f"Sensor API {settings.SENSOR_API_URL}" in words
    assert "Poll timeout 2.5 s" in words
    assert "Facility time zone Europe/Berlin" in words


def test_operations_without_a_cycle_say_so(staff_browser):
    assert "No cycle yet." in text_of(staff_browser.get(reverse("ops")))


@pytest.mark.usefixtures("clock")
def test_where_all_cycles_are_ahead_the_verdict_names_the_clock(staff_browser):
    make_cycle(slot("07:02") + 60 * MINUTE, planned=1)
    assert "clock is wrong" in parts_of(staff_browser)["Polling"][2]


def test_operations_show_an_hour_with_a_fixed_number_of_queries(staff_browser):
    staff_browser.get(reverse("ops"))  # compares the zones, which is done once a day
    counts = []
    for number in (1, 90):
        PollCycle.objects.all().delete()
        for minute in range(number):
            make_cycle(slot("07:01") - minute * MINUTE, planned=1)
        counts.append(queries_of(staff_browser.get, reverse("ops")))
    ledger = (
        staff_browser.get(reverse("ops"))
        .content.decode()
        .partition('id="cycles"')[2]
        .partition("</section>")[0]
    )
    assert ledger.count('<th scope="row">') == 60
    assert counts[0] == counts[1] <= 23


def parts_of(browser):
    """{name: (state, since, words)} of the verdict."""
    page = browser.get(reverse("ops"))
    return {part.name: (str(part.state), part.since, part.words) for part in page.context["parts"]}


@pytest.mark.usefixtures("clock")
def test_the_verdict_says_what_is_well_and_since_when(staff_browser):
    for clock in ("06:50", "06:51", "06:59", "07:00", "07:01"):
        make_cycle(slot(clock), planned=12, answered=9, unavailable=3)
    parts = parts_of(staff_browser)
    assert parts["Polling"][:2] == ("well", slot("06:59"))
    assert parts["Sensors"] == ("well", None, "9 of 12 answered, as usual.")
    assert parts["Redis"][0] == parts["Database"][0] == "well"
    assert "All parts are well" in text_of(staff_browser.get(reverse("ops")))


@pytest.mark.usefixtures("clock")
def test_the_verdict_says_nothing_of_sensors_that_nobody_asked(staff_browser):
    make_cycle(slot("07:01"), planned=0)
    assert parts_of(staff_browser)["Sensors"] == ("unknown", None, "No sensor was asked.")


@pytest.mark.usefixtures("clock")
def test_the_verdict_says_which_parts_are_ill_and_since_when(staff_browser, settings):
    for minute in range(10):
        answered = {"answered": 0 if minute < 4 else 9, "unavailable": 12 if minute < 4 else 3}
        make_cycle(slot("07:01") - minute * MINUTE, planned=12, **answered)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    page = staff_browser.get(reverse("ops"))
    sensors, redis = page.context["parts"][:2]
    assert (sensors.name, sensors.state, sensors.since) == ("Sensors", "ill", slot("06:58"))
    assert (redis.name, redis.state) == ("Redis", "ill")
    words = text_of(page)
    assert "2 parts are ill Sensors ill since 06:58 (4 min) 0 of 12 answered" in words
    assert words.index("Silent sensors") < words.index("Ledger") < words.index("Storage")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("newest", "finished", "since"),
    [("06:58", True, slot("06:59")), ("07:02", False, slot("06:50") + 3 * SECOND)],
)
def test_polling_is_ill_from_the_first_minute_that_is_missing(
    staff_browser, newest, finished, since
):
    make_cycle(slot("06:50"), planned=1)
    make_cycle(slot(newest), planned=1, finished=finished)
    assert parts_of(staff_browser)["Polling"][:2] == ("ill", since)


@pytest.mark.usefixtures("clock")
def test_silent_sensors_are_told_by_rack_with_the_most_first(staff_browser, user):
    for rack, count in (("A", 1), ("B", 12)):
        for _ in range(count):
            cage = make_cage(owner=user, room="R2", rack=rack)
            record_minute(cage, slot("06:40"))
    record_minute(make_cage(owner=user, room="R2", rack="A"), slot("07:01"))
    page = staff_browser.get(reverse("ops"))
    assert [rack.rack for rack in page.context["silent_racks"]] == ["B", "A"]
    words = text_of(page)
    assert "Silent sensors 13" in words
    assert "Rack B R2 12 of 12 06:40 22 min" in words
    assert "and 4 more Rack A R2 1 of 2 06:40" in words


def test_operations_keep_themselves_up_to_date(staff_browser):
    first = staff_browser.get(reverse("ops"), headers={"HX-Request": "true"})
    headers = {"HX-Request": "true", "If-None-Match": first["ETag"]}
    assert staff_browser.get(reverse("ops"), headers=headers).status_code == 304


def test_operations_tell_of_the_storage_and_who_limited_it(staff_browser):
    page = text_of(staff_browser.get(reverse("ops")))
    assert "Retention no limit" in page
    assert "cages_poll" in page
    assert "rows on plain PostgreSQL" not in page
    RetentionChange.objects.create(at=at("07:00"), person="grace", keep_days=1200)
    page = text_of(staff_browser.get(reverse("ops")))
    assert "Retention 1,200 days, set by grace on 2026-03-02" in page


def test_more_rows_than_plain_postgresql_bears_are_told(staff_browser, monkeypatch, settings):
    # A role that runs, apart from the owner.
    settings.RUNNING_ROLE = ("neurocage_app", "")
    record_minute(make_cage(), slot("07:00"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cages_poll")
    assert database_is_usable(None, ["default"]) == []
    monkeypatch.setattr("cages.storage.report.MANY_PLAIN_ROWS", 0)
    (warning,) = database_is_usable(None, ["default"])
    assert warning.id == "cages.W002"
    assert "cages_poll has about 1 rows" in warning.msg
    assert "Install TimescaleDB" in text_of(staff_browser.get(reverse("ops")))


def test_operations_tell_the_versions_of_what_runs(staff_browser, settings):
    words = text_of(staff_browser.get(reverse("ops")))
    server = engine(connection)
    assert f"Neurocage {version()} Python {platform.python_version()} Django 5." in words
    assert f"PostgreSQL {server.postgresql} TimescaleDB" in words
    assert re.search(r"Redis (Valkey )?\d+\.\d+\.\d+ ", words)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "Redis It does not answer." in text_of(staff_browser.get(reverse("ops")))


def outlook_of(staff_browser, monkeypatch, disk_found, growth):
    monkeypatch.setattr(disk, "database_disk", lambda: disk_found)
    monkeypatch.setattr(disk, "growth_per_day", lambda series, now: growth)
    return text_of(staff_browser.get(reverse("ops")))


TERABYTE = disk.Disk(10**12, 5 * 10**11)


@pytest.mark.parametrize(
    ("disk_found", "growth", "words"),
    [
        (TERABYTE, 10**9, "(50 % used) Full in about 500 days"),
        (TERABYTE, 1, "Full in at least 9,999 days"),
        (TERABYTE, None, "Growth not known yet"),
        (TERABYTE, 0.0, "none: no minute was planned in the last day"),
        (TERABYTE, None, "Full in not known Growth is"),
        (None, 10**9, "Free cannot be seen from here Full in not known"),
    ],
)
def test_operations_tell_how_long_the_disk_lasts(
    staff_browser, monkeypatch, disk_found, growth, words
):
    page = outlook_of(staff_browser, monkeypatch, disk_found, growth)
    assert words in page
    assert "is full in" not in page


def test_a_disk_that_is_full_soon_is_told_with_the_verdict(staff_browser, monkeypatch):
    page = outlook_of(staff_browser, monkeypatch, TERABYTE, 10**10)
    assert page.index("The disk of the database is full in 50 days") < page.index("Silent sensors")


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
