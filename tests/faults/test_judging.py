"""The process that judges is killed: recording goes on, and what was missed is judged later."""

import pytest

from cages.slots import SLOT_LENGTH
from tests.faults.installation import wait_for
from tests.faults.ledger import assert_whole

pytestmark = pytest.mark.faults


def judged(installation):
    return {slot for (slot,) in installation.rows("SELECT slot FROM welfare_judgedslot")}


def finished(installation):
    return {slot for slot, cycle in installation.cycles().items() if cycle.finished_at}


def test_a_judge_that_was_killed_makes_good_what_it_missed(install, measured):
    installation = install("worker", "poller", "welfare", "beat")
    wait_for(lambda: judged(installation), 130, "a minute is judged")
    installation.kill("welfare")
    first = installation.wait_for_slot()
    polled = installation.wait_for_polling(first, 130)
    installation.wait_for_polling(polled.slot + SLOT_LENGTH, 130)
    missed = finished(installation) - judged(installation)
    assert len(missed) >= 2
    began = installation.now()
    installation.start_process("welfare")
    wait_for(lambda: missed <= judged(installation), 130, "what was missed is judged")
    measured(
        "from the judge's return to the last missed minute", seconds_since(installation, began)
    )
    assert_whole(installation)


def seconds_since(installation, began):
    return (installation.now() - began).total_seconds()
