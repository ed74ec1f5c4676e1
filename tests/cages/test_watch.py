"""How well Neurocage itself does: footer, health checks, metrics, error pages."""

import html
import itertools
import re
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from prometheus_client.parser import text_string_to_metric_families

from cages.operations import outage
from local_stack.ports import free_port
from tests.factories import MINUTE, at, make_cage, make_cycle, make_user, slot
from tests.pages import text_of

NOW = at("07:02:30")
pytestmark = pytest.mark.usefixtures("clock")
SECOND = timedelta(seconds=1)
LIST = reverse("cage-list")
COUNTS = {"answered": 361, "unavailable": 110, "timeout": 5, "malformed": 1, "skipped": 3}


def test_a_page_and_its_footer_have_one_clock(browser, monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + next(ticks) * MINUTE)
    context = browser.get(LIST).context
    assert context["watch"].now == context["now"]


@pytest.fixture
def database_is_away(django_db_blocker):
    """The connection leads to a port at which nothing listens."""
    real = connections["default"]
    away = real.copy()
    away.settings_dict["PORT"] = free_port()
    with django_db_blocker.unblock():
        connections["default"] = away
        yield
        connections["default"] = real


@pytest.fixture
def redis_is_away(settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"


def footer_of(response):
    """The words of the cycle line, and whether it is a warning."""
    line = response.content.decode().partition("<footer")[2].partition("</footer>")[0]
    words = html.unescape(re.sub(r"<[^>]*>", " ", line.partition(">")[2]))
    return " ".join(words.split()).replace(" ,", ","), 'role="alert"' in line


# The footer


def test_the_footer_says_how_the_last_full_cycle_went(browser):
    make_cycle(slot("07:01"), planned=480, duration_ms=37_200, **COUNTS)
    words, is_warning = footer_of(browser.get(LIST))
    assert words == "Last full cycle 07:01, 477 of 480 polled, 361 answered, 37.2 s"
    assert not is_warning


def test_thousands_are_readable(browser):
    make_cycle(slot("07:01"), planned=50_000)
    assert "50,000 of 50,000 polled, 50,000 answered" in footer_of(browser.get(LIST))[0]


def test_a_cycle_under_way_is_not_a_full_one(browser):
    make_cycle(slot("07:01"), planned=1)
    make_cycle(slot("07:02"), planned=1, finished=False)
    assert footer_of(browser.get(LIST))[0].startswith("Last full cycle 07:01,")


def test_before_the_first_cycle_the_footer_says_what_has_to_run(browser):
    words, is_warning = footer_of(browser.get(LIST))
    assert words.startswith("No full cycle yet.")
    assert is_warning


@pytest.mark.parametrize(("seconds", "warned"), [(0, False), (120, False), (121, True)])
def test_the_footer_warns_when_no_cycle_ended_in_the_last_two_minutes(browser, seconds, warned):
    make_cycle(slot("06:55"), planned=1, finished_at=NOW - seconds * SECOND)
    make_cycle(slot("07:02"), planned=1, finished=False)
    words, is_warning = footer_of(browser.get(LIST))
    assert is_warning is warned
    assert words.startswith("No full cycle for 2 min. Cycles start") is warned
    assert ("this page is getting out of date. Check poller and worker." in words) is warned


@pytest.mark.parametrize(("seconds", "warned"), [(0, False), (90, False), (91, True)])
def test_the_footer_warns_when_no_minute_began_in_the_last_90_seconds(
    browser, clock, seconds, warned
):
    clock(slot("07:01") + seconds * SECOND)
    make_cycle(slot("07:01"), planned=1)
    words, is_warning = footer_of(browser.get(LIST))
    assert is_warning is warned
    assert words.startswith("No cycle has started since 07:01, 1 min ago.") is warned
    assert ("Neurocage is not polling" in words) is warned
    assert ("Check beat, worker and Redis." in words) is warned


def test_the_warning_says_for_how_long_and_since_which_day(browser):
    make_cycle(slot("07:00") - timedelta(days=1, hours=3), planned=1)
    words, is_warning = footer_of(browser.get(LIST))
    assert words.startswith("No cycle has started since 2026-03-01 04:00, 1 d 3 h ago.")
    assert "Last full cycle 2026-03-01 04:00, 1 of 1 polled" in words
    assert is_warning


def test_the_warning_of_unfinished_minutes_says_for_how_long_and_since_which_day(browser):
    make_cycle(slot("07:02") - timedelta(days=1, hours=3), planned=1)
    make_cycle(slot("07:02"), planned=1, finished=False)
    words, is_warning = footer_of(browser.get(LIST))
    assert words.startswith("No full cycle for 1 d 3 h.")
    assert "Last full cycle 2026-03-01 04:02, 1 of 1 polled" in words
    assert is_warning


def test_while_the_very_first_minutes_are_not_finished_the_footer_says_what_to_expect(browser):
    make_cycle(slot("07:02"), planned=1, finished=False)
    words, is_warning = footer_of(browser.get(LIST))
    assert words.startswith("No full cycle yet. Cycles start, but none has finished yet.")
    assert "Last full cycle" not in words
    assert is_warning


@pytest.mark.parametrize("second", [1, 59])
def test_readyz_and_every_page_know_of_a_dead_beat_within_two_minutes(browser, clock, second):
    death = slot("07:01") + second * SECOND
    make_cycle(slot("07:00"), planned=1, finished_at=slot("07:00") + 56 * SECOND)
    # What beat started before it died still comes to its end.
    make_cycle(slot("07:01"), planned=1, finished_at=slot("07:01") + 56 * SECOND)
    clock(death)
    assert not footer_of(browser.get(LIST))[1]
    assert browser.get(reverse("readyz")).status_code == 200
    clock(death + timedelta(minutes=2))
    assert footer_of(browser.get(LIST))[0].startswith("No cycle has started since 07:01,")
    assert browser.get(reverse("readyz")).json()["problems"] == {
        "polling": "no minute has been started since 2026-03-02 06:01 UTC"
    }


@pytest.fixture
def disk_is_full():
    """The recorder has told that the database's disk is full."""
    words = "could not extend file: No space left on device"
    outage.tell(outage.Outage(outage.Cause.DATABASE_FULL, words, NOW - MINUTE))
    yield
    outage.tell_the_end()


@pytest.mark.usefixtures("disk_is_full")
def test_while_the_disk_is_full_pages_and_readyz_name_database_and_disk(browser, client_of, staff):
    make_cycle(slot("07:00") - MINUTE, planned=1)
    words, is_warning = footer_of(browser.get(LIST))
    assert is_warning
    full = "The database cannot write because its disk is full."
    assert f"getting out of date. {full}" in words
    assert "Check" not in words
    assert readiness(browser)[1]["database"] == full
    page = text_of(client_of(staff).get(reverse("ops")))
    assert f"Database ill since 07:01 (1 min) {full}" in page
    assert "could not extend file: No space left on device" in page


def test_a_page_that_is_up_to_date_does_not_ask_redis(browser, monkeypatch):
    make_cycle(slot("07:01"), planned=1)
    monkeypatch.setattr("cages.operations.outage.redis_server.connect", None)
    assert not footer_of(browser.get(LIST))[1]


def test_every_page_has_the_footer(client_of, administrator, settings):
    settings.REGISTRATION_OPEN = True
    make_cycle(slot("07:01"), planned=1)
    make_cage(owner=administrator, id=7)
    make_cage(owner=administrator, id=8, archived_at=NOW)
    browser = client_of(administrator)
    addresses = [
        *(reverse(name) for name in ("cage-list", "cage-create", "cage-archived", "ops")),
        *(reverse(f"cage-{name}", args=(7,)) for name in ("detail", "edit", "archive")),
        *(reverse(f"cage-{name}", args=(8,)) for name in ("detail", "restore", "purge")),
        "/nowhere/",
    ]
    for address in addresses:
        assert "Last full cycle 07:01" in footer_of(browser.get(address))[0], address
    for address in (reverse("login"), reverse("register")):
        assert "Last full cycle 07:01" in footer_of(Client().get(address))[0], address


def test_the_header_shows_the_facilitys_time(browser):
    page = browser.get(LIST).content.decode()
    assert 'data-zone="Europe/Berlin">07:02</time> Europe/Berlin</span>' in page


def test_the_footer_says_that_a_clock_was_wrong(browser):
    make_cycle(slot("07:01"), planned=1)
    make_cycle(slot("10:02"), planned=1)
    words, is_warning = footer_of(browser.get(LIST))
    assert words.startswith(
        "The server's clock is wrong, or it was: 2026-03-02 10:02 is recorded already, "
        "2 h 59 min ahead of now."
    )
    assert "Last full cycle 07:01" in words
    assert is_warning


# Health checks


@pytest.mark.usefixtures("database_is_away", "redis_is_away")
def test_healthz_says_that_the_process_lives_whatever_is_away(client):
    response = client.get(reverse("healthz"))
    assert (response.status_code, response.content) == (200, b"ok\n")


def readiness(client):
    """The status code of /readyz, and the problems it names."""
    response = client.get(reverse("readyz"))
    assert response.json()["ready"] == (response.status_code == 200)
    return response.status_code, response.json()["problems"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cycles", "problem"),
    [
        ({}, "no cycle yet"),
        ({"07:02": None}, "no cycle has finished yet"),
        ({"07:01": 30}, None),
        ({"06:55": 121, "07:02": None}, "no cycle has finished for 2 minutes"),
        ({"07:00": 30}, "no minute has been started since 2026-03-02 06:00 UTC"),
    ],
)
def test_readyz_is_503_while_minutes_are_not_started_or_not_finished(client, cycles, problem):
    """cycles: how many seconds ago each one ended, or None."""
    for minute, ago in cycles.items():
        ended = {"finished": False} if ago is None else {"finished_at": NOW - ago * SECOND}
        make_cycle(slot(minute), planned=1, **ended)
    assert readiness(client) == ((503, {"polling": problem}) if problem else (200, {}))


@pytest.mark.django_db
def test_readyz_and_metrics_say_that_a_clock_was_wrong(client):
    make_cycle(slot("07:01"), planned=1)
    make_cycle(slot("10:02"), planned=1)
    reason = "wrong, or it was: 2026-03-02 09:02 UTC is recorded already"
    assert readiness(client) == (503, {"clock": reason})
    told = metrics(client)
    assert told["neurocage_ahead_seconds",] == 10_770
    assert told["neurocage_slot_age_seconds",] == 90


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_is_away")
def test_readyz_is_503_while_redis_is_away(client):
    make_cycle(slot("07:01"), planned=1)
    assert readiness(client) == (503, {"redis": "Redis does not answer."})


@pytest.mark.usefixtures("database_is_away")
def test_readyz_is_503_while_the_database_is_away(client):
    assert readiness(client) == (503, {"database": "The database does not answer."})


@pytest.mark.usefixtures("database_is_away", "redis_is_away")
def test_readyz_names_everything_that_is_away(client):
    assert set(client.get(reverse("readyz")).json()["problems"]) == {"database", "redis"}


# Metrics


# Metrics with tests of their own.
OTHERS = ("neurocage_database_faults", "neurocage_concerns_open", "neurocage_deliveries")


def metrics(client):
    """{name with labels: value}, read as Prometheus reads it; without OTHERS."""
    text = client.get(reverse("metrics")).content.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name not in OTHERS
    }


def test_metrics_tell_of_the_ledger_and_of_no_cage(client, user):
    make_cage("Secret label", owner=user)
    make_cage(owner=user, is_polled=False)
    make_cage(owner=user, archived_at=NOW)
    make_cycle(slot("07:01"), planned=480, duration_ms=37_200, finished_at=NOW - MINUTE, **COUNTS)
    assert metrics(client) == {
        ("neurocage_ahead_seconds",): 0,
        ("neurocage_cages_polled",): 1,
        ("neurocage_slot_age_seconds",): 90,
        ("neurocage_cycle_age_seconds",): 60,
        ("neurocage_cycle_duration_seconds",): 37.2,
        **{
            ("neurocage_cycle_polls", outcome): COUNTS.get(outcome, 0)
            for outcome in (*COUNTS, "connection_error", "http_error")
        },
    }
    assert "Secret" not in client.get(reverse("metrics")).content.decode()


@pytest.mark.django_db
def test_metrics_before_the_first_cycle_are_what_there_is(client):
    assert metrics(client) == {("neurocage_cages_polled",): 0, ("neurocage_ahead_seconds",): 0}


@pytest.mark.django_db
def test_metrics_tell_that_minutes_are_started_though_none_is_finished(client):
    make_cycle(slot("07:02"), planned=1, finished=False)
    assert metrics(client) == {
        ("neurocage_ahead_seconds",): 0,
        ("neurocage_cages_polled",): 0,
        ("neurocage_slot_age_seconds",): 30,
    }


@pytest.mark.django_db
def test_metrics_take_few_queries_and_say_their_format(client):
    make_cycle(slot("07:01"), planned=1)
    metrics(client)  # compares the zones, which is done once a day
    with CaptureQueriesContext(connection) as queries:
        response = client.get(reverse("metrics"))
    assert len(queries) == 6
    assert response["Content-Type"].startswith("text/plain; version=")


# Pages for when something is wrong


def test_what_is_not_there_is_404_with_a_way_back(browser):
    response = browser.get("/nowhere/")
    assert response.status_code == 404
    assert "Page not found" in text_of(response)
    assert f'href="{LIST}"' in response.content.decode()


def test_what_is_not_allowed_is_403_with_a_way_back(browser):
    response = browser.get(reverse("ops"))
    assert response.status_code == 403
    assert "You do not have access to this page" in text_of(response)


@pytest.mark.django_db
def test_an_anonymous_person_learns_nothing_from_a_404(client):
    make_user()
    assert client.get("/nowhere/").status_code == 404
    assert client.get("/cages/1/").status_code == 302


@pytest.fixture
def broken(browser, monkeypatch):
    """broken(error): the list raises it; the browser shows what comes of that."""

    def breaks(error):
        def fail(*args):
            raise error

        monkeypatch.setattr("cages.views.cages.list.CageListView.get_queryset", fail)
        browser.raise_request_exception = False
        return browser

    return breaks


def test_an_error_of_ours_is_500_and_shows_nothing_of_it(broken):
    response = broken(ValueError("a secret")).get(LIST)
    assert response.status_code == 500
    assert "Something went wrong" in text_of(response)
    assert "a secret" not in response.content.decode()


def test_a_database_that_goes_away_while_a_page_is_made_is_503(broken):
    response = broken(OperationalError("server closed the connection")).get(LIST)
    assert response.status_code == 503
    assert "The database does not answer" in text_of(response)


@pytest.mark.usefixtures("database_is_away")
@pytest.mark.parametrize("name", ["cage-list", "login", "setup", "metrics", "home"])
def test_while_the_database_is_away_pages_are_503_and_say_so(name):
    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "a" * 32
    response = browser.get(reverse(name))
    assert response.status_code == 503
    assert response["Retry-After"] == "30"
    assert "The database does not answer" in text_of(response)
    assert "are not lost" in text_of(response)


@pytest.mark.usefixtures("database_is_away")
def test_while_the_database_is_away_even_a_404_is_answered():
    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "a" * 32
    assert browser.get("/nowhere/").status_code == 503
