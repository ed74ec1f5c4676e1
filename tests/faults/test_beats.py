"""Beat dies, or two of them run."""

import time
from datetime import timedelta

import pytest
import requests

from tests.faults.installation import signed_in, status_of
from tests.faults.ledger import assert_whole
from tests.processes import PATIENCE, wait_for

pytestmark = pytest.mark.faults


def test_a_dead_beat_is_told_within_two_minutes_by_every_page_and_by_readyz(install, measured):
    installation = install("worker", "poller", "beat", "web")
    browser = signed_in(installation)
    installation.wait_for_polling(installation.this_slot(), 130)
    wait_for(lambda: status_of(installation, "/readyz") == 200, 10, "/readyz is 200")

    installation.kill("beat")
    died = time.monotonic()
    wait_for(lambda: status_of(installation, "/readyz") == 503, 120, "/readyz is 503")
    measured("from the death of beat to /readyz 503", time.monotonic() - died)
    problems = requests.get(f"{installation.web_url}/readyz", timeout=5).json()["problems"]
    assert list(problems) == ["polling"]
    for page in ("/cages/", "/cages/1/", "/cages/archived/", "/cages/new/", "/ops/"):
        told = browser.get(f"{installation.web_url}{page}", timeout=10)
        assert told.status_code == 200
        assert "is-stale" in told.text, f"{page} does not warn"
        assert "is not polling" in told.text
    assert time.monotonic() - died <= 120

    installation.start_process("beat")
    back, first = time.monotonic(), installation.this_slot()
    wait_for(lambda: status_of(installation, "/readyz") == 200, 90, "/readyz is 200 again")
    measured("from the start of another beat to /readyz 200", time.monotonic() - back)
    installation.wait_for_polling(first, 10)
    assert "is-stale" not in browser.get(f"{installation.web_url}/cages/", timeout=10).text
    browser.close()
    assert_whole(installation, all_kept=False)


def test_of_two_beats_one_may_die_and_no_minute_is_missed_or_polled_twice(install, measured):
    names = ("worker", "worker2", "poller", "poller2", "beat", "beat2")
    installation = install(*names)
    first = installation.wait_for_polling(installation.this_slot(), 130).slot
    second = installation.wait_for_polling(first + timedelta(minutes=1), 130).slot
    installation.kill("beat")
    third = installation.wait_for_polling(second + timedelta(minutes=1), 130).slot
    assert [second, third] == [first + timedelta(minutes=n) for n in (1, 2)]
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    for slot in (first, second, third):
        assert len(installation.sensors.asked(slot)) == 40
    assert_whole(installation, dead=["beat"])
