"""The operations page: the ledger of the last hour, and which parts are used."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.models import PollCycle
from tests.factories import MINUTE, make_cycle, slot
from tests.pages import text_of

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
    counts = []
    for number in (1, 90):
        PollCycle.objects.all().delete()
        for minute in range(number):
            make_cycle(slot("07:01") - minute * MINUTE, planned=1)
        with CaptureQueriesContext(connection) as queries:
            page = staff_browser.get(reverse("ops")).content.decode()
        counts.append(len(queries))
    assert page.count('<th scope="row">') == 60
    assert counts[0] == counts[1] <= 8
