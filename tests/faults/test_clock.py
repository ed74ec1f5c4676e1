"""The wall clock is set while Neurocage runs, and the machine sleeps."""

import time
from collections import Counter
from datetime import timedelta

import pytest
import requests

from cages.slots import SLOT_LENGTH
from tests.faults.installation import CAGES, signed_in, status_of
from tests.faults.ledger import assert_ledger_balances, assert_whole, manage
from tests.processes import PATIENCE, wait_for

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("seconds", [100, -60])
def test_the_clock_is_set_while_sensors_are_asked(install, settable_clock, measured, seconds):
    # One after the other, so that some polls are running and others still wait. The step of 100 s
    # leads to the beginning of a minute, so that a busy machine has time for all polls of it.
    installation = install(*("worker", "poller", "beat"), latency=(0.6, 0.7), POLL_CONCURRENCY=1)
    old = installation.wait_for_asking(33)
    assert not installation.cycles()[old].finished_at
    settable_clock.step(seconds)
    stepped, stepped_at = time.monotonic(), installation.now()
    begun = len(installation.sensors.requests)
    # The first minute that was not there before.
    new = max(old, installation.this_slot() - SLOT_LENGTH) + SLOT_LENGTH

    installation.wait_for_asking(1, new, seconds=130)
    measured(f"from a step of {seconds:+} s to the first poll", time.monotonic() - stepped)
    assert time.monotonic() - stepped <= 120 + 3
    # On a machine with much to do the first minute may be too short for all of its polls.
    polled = installation.wait_for_polling(new, 130)
    measured(f"from a step of {seconds:+} s to a full cycle", time.monotonic() - stepped)
    assert polled.slot == new
    next_one = installation.wait_for_polling(new + SLOT_LENGTH, 130)
    assert next_one.slot == new + SLOT_LENGTH
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    cycles = installation.cycles()
    if seconds > 0:
        # What was not asked before the step belongs to a minute that is over.
        assert min(each.slot for each in installation.sensors.requests[begun:]) == new
        assert cycles[old].skipped == len(CAGES) - len(installation.sensors.asked(old))
        assert all(slot <= old or slot >= new for slot in cycles)
    else:
        assert cycles[old].skipped == 0
        assert stepped_at < old
        # These were asked for the minute in which the clock was set, though the clock shows an
        # older one.
        for each in installation.sensors.requests[begun:]:
            each.polled_for = old if each.at < old else None
    assert_whole(installation, all_kept=False)


def test_a_machine_that_sleeps_for_ten_minutes_wakes_without_a_stampede(
    install, settable_clock, measured
):
    installation = install(*("worker", "poller", "beat"), latency=(0.5, 0.7), POLL_CONCURRENCY=2)
    first = installation.wait_for_polling(installation.this_slot(), 130).slot
    old = first + SLOT_LENGTH
    ordinary = busiest_second(installation.sensors.asked(first))
    installation.wait_for_asking(len(CAGES) // 2, old)
    with installation.asleep():
        begun = len(installation.sensors.requests)
        assert not any(each.slot > old for each in installation.sensors.requests)
        settable_clock.step(600)
        time.sleep(2)  # the monotonic clock sees only this much of the ten minutes
        assert len(installation.sensors.requests) == begun
        woken, woken_at = time.monotonic(), installation.now()

    polled = installation.wait_for_polling(installation.this_slot(), 120)
    measured("from waking after ten minutes to a full cycle", time.monotonic() - woken)
    installation.wait_for_polling(polled.slot + SLOT_LENGTH, 130)
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    later = installation.sensors.requests[begun:]
    assert min(each.slot for each in later) >= woken_at - SLOT_LENGTH
    assert busiest_second(later) <= 2 * ordinary
    cycles = installation.cycles()
    assert not [slot for slot in cycles if old < slot <= woken_at - SLOT_LENGTH]
    # What was not asked before the sleep was skipped.
    assert cycles[old].skipped == len(CAGES) - len(installation.sensors.asked(old)) > 0
    on_waking = [slot for slot in cycles if slot <= woken_at < slot + SLOT_LENGTH]
    assert len(on_waking) <= 1
    assert_whole(installation, all_kept=False)


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(hours=2), timedelta(days=7)])
def test_the_clock_is_ahead_for_a_while_and_set_back(install, settable_clock, measured, ahead):
    installation = install("worker", "poller", "beat", "web")
    browser = signed_in(installation)
    installation.wait_for_polling(installation.this_slot(), 130)
    settable_clock.step(ahead.total_seconds())
    # The clock is ahead for about 100 s.
    installation.wait_for_polling(installation.this_slot() + SLOT_LENGTH, 190)
    settable_clock.step(-ahead.total_seconds())
    stepped, begun = time.monotonic(), len(installation.sensors.requests)
    first = installation.this_slot() + SLOT_LENGTH
    claimed_ahead = [slot for slot in installation.cycles() if slot > first]
    assert len(claimed_ahead) >= 2
    wait_for(lambda: status_of(installation, "/readyz") == 503, 10, "/readyz is 503")
    problems = requests.get(f"{installation.web_url}/readyz", timeout=5).json()["problems"]
    assert "recorded already" in problems["clock"]
    assert "clock is wrong" in browser.get(f"{installation.web_url}/cages/", timeout=10).text
    browser.close()

    def asked(slot):
        """The cages that were asked in the slot since the clock is right again."""
        return {each.cage_id for each in installation.sensors.requests[begun:] if each.slot == slot}

    wait_for(lambda: asked(first), 120, "a sensor is asked")
    measured(f"from a step back of {ahead} to the first poll", time.monotonic() - stepped)
    wait_for(lambda: installation.cycles()[first].finished_at, 60, f"{first} is polled")
    states = "SELECT min(outcome_slot), max(outcome_slot) FROM cages_cagestate"
    wait_for(lambda: installation.rows(states)[0] == (first, first), 30, "states are of now")
    if ahead < timedelta(hours=1):
        for slot in claimed_ahead:
            left = (slot - installation.now()).total_seconds()
            wait_for(lambda slot=slot: asked(slot) == set(CAGES), left + 60, f"{slot} is asked")
    else:
        count = len(claimed_ahead)
        code, said = manage(installation, "check_ledger")
        assert (code, f"{count} minutes recorded ahead of now" in said) == (1, True)
        _, said = manage(installation, "remove_ahead", "--remove", count, "--by", "Ada")
        assert f"Removed {count} minutes with {count * len(CAGES)} polls" in said
    wait_for(lambda: status_of(installation, "/readyz") == 200, 130, "/readyz is 200 again")
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    assert_ledger_balances(installation)
    assert installation.dead() == []


def busiest_second(requests):
    """Return the largest number of requests that arrived in one second of the clock."""
    return max(Counter(int(each.at.timestamp()) for each in requests).values())
