"""Pollers are too slow or missing."""

import time

import pytest

from cages.slots import SLOT_LENGTH
from tests.faults.installation import CAGES, Sampled
from tests.faults.ledger import assert_whole
from tests.processes import PATIENCE, wait_for

pytestmark = pytest.mark.faults

SHARDS = 4


def test_five_minutes_without_a_poller_leave_two_minutes_of_messages(
    install, settable_clock, measured
):
    installation = install("worker", "beat")
    slots = []
    with Sampled(lambda: installation.waiting()["polls"]) as polls:
        for _ in range(5):
            wait_for(
                lambda: installation.this_slot() in installation.cycles(), 70, "a minute is started"
            )
            slot = installation.this_slot()
            slots.append(slot)
            # Everything in the queue has arrived. Go on to the end of the minute.
            wait_for(lambda: installation.waiting()["slots"] == 0, 10, "the start is done")
            left = slot + SLOT_LENGTH - installation.now()
            settable_clock.step(left.total_seconds() - 0.5)
            installation.wait_for_slot(slot)
    assert slots == [slots[0] + n * SLOT_LENGTH for n in range(5)]
    assert polls.most == 2 * SHARDS
    cycles = installation.cycles()
    told = [slot for slot in slots if cycles[slot].finished_at]
    assert told == slots[2:]
    assert all(cycles[slot].skipped == len(CAGES) for slot in told)
    why = installation.rows("SELECT DISTINCT detail FROM cages_poll")
    assert len(why) == 1
    assert "poller" in why[0][0]

    back_at = installation.now()
    installation.start_process("poller")
    back = time.monotonic()
    installation.wait_for_polling(back_at - SLOT_LENGTH, 120)
    measured("from the return of pollers to a full cycle", time.monotonic() - back)
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    assert min(each.at for each in installation.sensors.requests) >= back_at
    assert_whole(installation, all_kept=False)


def test_slow_pollers_skip_what_is_late_and_catch_up(install, measured):
    # About 22 polls a minute for 40 cages.
    installation = install(
        *("worker", "poller", "beat"), latency=(2.5, 3.0), POLL_CONCURRENCY=1, poller_threads=1
    )
    wait_for(installation.cycles, 70, "the first minute is started")
    first = min(installation.cycles())
    with Sampled(lambda: installation.waiting()["polls"]) as polls:
        third = first + 2 * SLOT_LENGTH
        installation.wait_for_asking(1, third, seconds=150)
        installation.sensors.latency = (0.05, 0.1)
        quick = time.monotonic()
        installation.wait_for_polling(third, 125)
        measured("from quick sensors to a full cycle", time.monotonic() - quick)
    assert polls.most <= 2 * SHARDS
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    cycles = installation.cycles()
    assert 10 <= cycles[first + SLOT_LENGTH].skipped < len(CAGES)
    assert_whole(installation, all_kept=False)
