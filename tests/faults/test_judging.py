"""The judge is killed, loses its database, sees 500 cages at once, or its clock is wrong."""

import contextlib
import time
from email import message_from_string
from email.policy import default

import psycopg2
import pytest

from cages.slots import SLOT_LENGTH
from tests.faults.ledger import assert_whole
from tests.faults.receivers import (
    JUDGE,
    JUDGE_REST,
    SEND,
    Letters,
    kick,
    kick_until,
    wants,
    write_minutes,
)
from tests.processes import PATIENCE, wait_for
from welfare.models import Kind
from welfare.models.notice import COLLECTS_FOR_MINUTES

pytestmark = pytest.mark.faults


def judged(installation):
    return {slot for (slot,) in installation.rows("SELECT slot FROM welfare_judgedslot")}


def finished(installation):
    return {slot for slot, cycle in installation.cycles().items() if cycle.finished_at}


def test_a_judge_that_was_killed_makes_good_what_it_missed(install, measured):
    installation = install("worker", "poller", "welfare", "beat")
    wait_for(lambda: judged(installation), PATIENCE, "a minute is judged")
    installation.kill("welfare")
    first = installation.wait_for_slot()
    polled = installation.wait_for_polling(first, 130)
    installation.wait_for_polling(polled.slot + SLOT_LENGTH, 130)
    missed = finished(installation) - judged(installation)
    assert len(missed) >= 2
    began = installation.now()
    installation.start_process("welfare")
    wait_for(lambda: missed <= judged(installation), PATIENCE, "what was missed is judged")
    measured(
        "from the judge's return to the last missed minute", seconds_since(installation, began)
    )
    # What the dead one held goes to the new one when the visibility timeout has passed.
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    assert_whole(installation)


def seconds_since(installation, began):
    return (installation.now() - began).total_seconds()


MANY = 500
AWAY_SECONDS = 30
ALL_KINDS = (Kind.BAD_LONG, Kind.UNSEEN, Kind.PLACE_SILENT)


@pytest.fixture
def letters():
    with Letters() as server:
        yield server


def concerns(installation, kind):
    """[(subject, how many of them)] of the concerns of this kind."""
    query = "SELECT subject, count(*) FROM welfare_concern WHERE kind = %s GROUP BY subject"
    return dict(installation.rows(query, kind.value))


def collect_and_send(installation, letters, count):
    """Let the time pass in which one cause is collected, and send this many letters."""
    installation.clock.step(COLLECTS_FOR_MINUTES * 60)
    kick_until(installation, SEND, lambda: len(letters.got) == count, f"{count} letters arrive")


def has_judged(installation, slot):
    query = "SELECT 1 FROM welfare_judgedslot WHERE slot = to_timestamp(%s)"
    return bool(installation.rows(query, slot))


def judge_and_wait(installation, slot):
    kick(installation, JUDGE, slot)
    wait_for(lambda: has_judged(installation, slot), PATIENCE, "the slot is judged")


def assert_quiet(installation, letters, count):
    """Beat's tasks, once more and twice over, raise nothing and send nothing."""
    for _ in range(2):
        kick(installation, JUDGE_REST)
        kick(installation, SEND)
    time.sleep(5)
    assert len(letters.got) == count


def test_500_cages_are_told_once_though_the_database_goes_while_they_are_raised(
    install, settable_clock, letters, measured
):
    installation = install("welfare", EMAIL_URL=letters.url)
    wants(installation, "vera", ALL_KINDS)
    wants(installation, "ruth", ALL_KINDS)
    slot = write_minutes(installation, MANY, "BAD*30")
    with contextlib.closing(psycopg2.connect(installation.postgres.url)) as other:
        # The judge has written all concerns, and waits with their trails, when PostgreSQL stops.
        other.cursor().execute("LOCK TABLE welfare_trailentry IN SHARE MODE")
        kick(installation, JUDGE, slot)
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_for(lambda: installation.rows(waits), PATIENCE, "the judge is in the middle of it")
        installation.postgres.stop(30)
    stopped = time.monotonic()
    while time.monotonic() < stopped + AWAY_SECONDS:
        kick(installation, JUDGE_REST)
        kick(installation, SEND)
        time.sleep(AWAY_SECONDS / 3)
    installation.postgres.start()
    assert not has_judged(installation, slot)
    assert concerns(installation, Kind.BAD_LONG) == {}

    back = time.monotonic()
    judge_and_wait(installation, slot)
    measured("from the database's return to 500 concerns", time.monotonic() - back)
    once = {f"cage:{pk}": 1 for pk in range(1, MANY + 1)}
    assert concerns(installation, Kind.BAD_LONG) == once
    collect_and_send(installation, letters, 2)
    assert_quiet(installation, letters, 2)
    for name in ("vera", "ruth"):
        (letter,) = letters.to(name)
        assert str(MANY) in message_from_string(letter, policy=default)["Subject"]
    assert concerns(installation, Kind.BAD_LONG) == once
    assert installation.dead() == []


def test_a_silent_place_is_one_concern_and_one_letter(install, settable_clock, letters):
    installation = install("welfare", EMAIL_URL=letters.url)
    wants(installation, "vera", ALL_KINDS)
    judge_and_wait(installation, write_minutes(installation, MANY, "OK*20"))
    settable_clock.step(4 * 60)
    judge_and_wait(installation, write_minutes(installation, MANY, "UNAVAILABLE*4"))
    assert concerns(installation, Kind.PLACE_SILENT) == {"everything": 1}
    # Now each single cage is unseen as well.
    settable_clock.step(12 * 60)
    judge_and_wait(installation, write_minutes(installation, MANY, "UNAVAILABLE*12"))
    kick_until(installation, SEND, lambda: letters.got, "there is a letter")
    assert_quiet(installation, letters, 1)
    assert concerns(installation, Kind.PLACE_SILENT) == {"everything": 1}
    assert concerns(installation, Kind.UNSEEN) == {}


def test_an_hour_back_tells_nothing_twice_and_goes_on_afterwards(install, settable_clock, letters):
    installation = install("welfare", EMAIL_URL=letters.url)
    wants(installation, "vera", ALL_KINDS)
    first = write_minutes(installation, 3, "BAD*30")
    judge_and_wait(installation, first)
    collect_and_send(installation, letters, 1)
    once = {f"cage:{pk}": 1 for pk in (1, 2, 3)}
    before = installation.rows("SELECT id, over_slot, closed_at FROM welfare_concern ORDER BY id")

    settable_clock.step(-3600)
    kick(installation, JUDGE, first)
    assert_quiet(installation, letters, 1)
    now = "SELECT id, over_slot, closed_at FROM welfare_concern ORDER BY id"
    assert installation.rows(now) == before
    settable_clock.step(3600)
    kick(installation, JUDGE_REST)
    assert_quiet(installation, letters, 1)
    assert concerns(installation, Kind.BAD_LONG) == once
    # Before anybody is reminded.
    settable_clock.step(20 * 60)
    judge_and_wait(installation, write_minutes(installation, 4, "BAD*20"))
    assert concerns(installation, Kind.BAD_LONG) == once | {"cage:4": 1}
    collect_and_send(installation, letters, 2)
    assert_quiet(installation, letters, 2)
