"""A poller or a recorder is killed in the middle of its work, or asked to restart."""

import contextlib
import time
from collections import Counter

import psycopg2
import pytest

from cages.models import Outcome
from cages.slots import SLOT_LENGTH
from tests.faults.installation import CAGES, PATIENCE
from tests.faults.ledger import assert_whole
from tests.processes import wait_for

pytestmark = pytest.mark.faults

# The visibility timeout, and the time until a worker looks for messages that are due again.
HANDED_OUT_AGAIN_SECONDS = 120 + 60


def wait_until_finished(installation, slot, killed):
    """Wait for the end of the slot. Meanwhile all cages are polled every minute."""
    after = slot + SLOT_LENGTH

    def finished():
        return installation.cycles()[slot].finished_at

    while not finished():
        assert time.monotonic() < killed + HANDED_OUT_AGAIN_SECONDS, installation.waiting()
        assert installation.wait_for_polling(after, 70).slot == after
        after += SLOT_LENGTH
        begun = after
        what = "the slot is finished, or the next one begins"
        wait_for(lambda: finished() or installation.now() > begun, 65, what)  # noqa: B023


def test_the_polls_of_a_killed_poller_are_skipped_and_another_goes_on(install, measured):
    names = ("poller", "poller2")
    # This way each poller takes some of the four shards.
    installation = install("worker", *names, "beat", latency=(4, 5), poller_threads=2)
    slot = installation.wait_for_asking(len(CAGES))
    ports = {name: installation.ports_of(name) for name in names}
    asked_by = {
        name: [each for each in installation.sensors.asked(slot) if each.port in ports[name]]
        for name in names
    }
    victim = max(names, key=lambda name: len(asked_by[name]))
    installation.kill(victim)
    killed = time.monotonic()
    # No shard of the slot was complete, so no result had been handed on.
    assert not any(each.answered_at for each in asked_by[victim])
    gone = {each.number for each in asked_by[victim]}
    assert gone

    wait_until_finished(installation, slot, killed)
    measured("from the death of a poller to a balanced ledger", time.monotonic() - killed)
    skipped = installation.rows(
        "SELECT cage_id FROM cages_poll WHERE slot = %s AND outcome = %s",
        *(slot, Outcome.SKIPPED.value),
    )
    assert {cage_id for (cage_id,) in skipped} == {each.cage_id for each in asked_by[victim]}
    assert_whole(installation, dead=[victim], gone=gone)


def test_a_recorder_killed_within_its_transaction_is_made_up_for_once(install, measured):
    installation = install("worker", "poller", "beat", latency=(1.5, 2.5))
    installation.wait_for_polling(installation.this_slot(), 130)
    slot = installation.wait_for_slot()
    wait_for(lambda: slot in installation.cycles(), 30, "the slot is claimed", every=0.02)
    with contextlib.closing(psycopg2.connect(installation.postgres.url)) as other:
        # A recorder's transaction ends with the counts of the cycle.
        other.cursor().execute("SELECT FROM cages_pollcycle WHERE slot = %s FOR UPDATE", [slot])
        blocked = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_for(lambda: len(installation.rows(blocked)) == 4, 30, "the shards' records wait")
        assert installation.rows("SELECT FROM cages_poll WHERE slot = %s", slot) == []
        installation.kill("worker")
        killed = time.monotonic()
    installation.start_process("worker2")

    wait_until_finished(installation, slot, killed)
    measured("from the death of a recorder to its records", time.monotonic() - killed)
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    assert all(cycle.skipped == 0 for cycle in installation.cycles().values())
    assert_whole(installation, dead=["worker"])


def test_a_rolling_restart_loses_and_skips_no_poll(install, measured):
    # Each poller asks two at a time. A slot takes some seconds, so SIGTERM meets every kind of
    # poll.
    installation = install(
        *("worker", "worker2", "poller", "poller2", "beat"),
        latency=(0.3, 0.5),
        poller_threads=2,
        POLL_CONCURRENCY=2,
    )
    first = installation.wait_for_polling(installation.this_slot(), 130).slot
    slots = [first]
    for poller, worker in (("poller", "worker"), ("poller2", "worker2")):
        slots.append(installation.wait_for_slot())
        installation.wait_for_asking(10, slots[-1])
        began = len(installation.sensors.asked(slots[-1]))
        seconds = installation.finish(poller)
        measured(f"a poller's end after SIGTERM, {began} of {len(CAGES)} asked", seconds)
        assert seconds < 15
        seconds = installation.finish(worker)
        measured("a recorder's end after SIGTERM", seconds)
        assert seconds < 15
        ended = [installation.children[name].poll() for name in (poller, worker)]
        assert ended == [0, 0]
        for name in (poller, worker):
            installation.start_process(name)
        assert installation.wait_for_polling(slots[-1], 45).slot == slots[-1]
    slots.append(installation.wait_for_polling(slots[-1] + SLOT_LENGTH, 130).slot)
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    assert slots == [first + n * SLOT_LENGTH for n in range(len(slots))], "a minute is missing"
    asked = Counter(each.slot for each in installation.sensors.asked())
    assert {slot: asked[slot] for slot in slots} == dict.fromkeys(slots, len(CAGES))
    assert all(cycle.skipped == 0 for cycle in installation.cycles().values())
    assert_whole(installation)
