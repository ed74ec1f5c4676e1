"""Redis is stopped in the middle of a slot and comes back with or without its data."""

import time

import pytest

from cages.slots import SLOT_LENGTH, slot_of
from tests.faults.installation import CAGES, PATIENCE
from tests.faults.ledger import assert_whole
from tests.processes import wait_for

pytestmark = pytest.mark.faults

AWAY_SECONDS = 120


@pytest.mark.parametrize("redis_keeps", [False, True], ids=["empty", "append-only file"])
def test_two_minutes_without_redis(install, measured, redis_keeps):
    installation = install(
        *("worker", "poller", "poller2", "beat"), latency=(4, 5), redis_keeps=redis_keeps
    )
    slot = installation.wait_for_asking(len(CAGES))
    installation.valkey.stop(30)
    stopped, stopped_at = time.monotonic(), installation.now()
    # The pollers hold the results of this slot.
    assert not any(each.answered_at for each in installation.sensors.asked(slot))
    time.sleep(AWAY_SECONDS)
    assert {each.slot for each in installation.sensors.asked(since=slot)} == {slot}
    assert installation.rows("SELECT FROM cages_poll WHERE slot = %s", slot) == []

    installation.valkey.start()
    back, back_at = time.monotonic(), installation.now()
    assert back - stopped > AWAY_SECONDS

    def held_results_are_stored():
        query = "SELECT count(*) FROM cages_poll WHERE slot = %s AND outcome <> 7"
        return installation.rows(query, slot) == [(len(CAGES),)]

    wait_for(held_results_are_stored, 60, "what the pollers held is stored")
    measured("from Redis' return to the last result held", time.monotonic() - back)
    wait_for(lambda: installation.sensors.asked(since=back_at), 75, "sensors are asked")
    resumed = time.monotonic() - back
    measured("from Redis' return to the next poll", resumed)
    assert resumed <= 60 + 3
    polled = installation.wait_for_polling(slot_of(back_at), 30)
    next_one = installation.wait_for_polling(polled.slot + SLOT_LENGTH, 70)
    assert next_one.slot == polled.slot + SLOT_LENGTH

    # What a worker held may be delivered again. It must change nothing.
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    watched = [s for s in installation.cycles() if stopped_at < s and s + SLOT_LENGTH <= back_at]
    assert watched == [], "a minute without Redis has a cycle"
    assert_whole(installation)
