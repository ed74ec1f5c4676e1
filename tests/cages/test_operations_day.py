"""The ledger of 24 hours as a picture, the capacity that it tells of, and the queues."""

import pytest

from cages.operations import queues
from cages.operations.day import NOT_WATCHED, OPEN, SKIPPED, TO_COME, WHOLE, day_of_ledger
from neurocage import redis_server
from tests.factories import at, make_cycle, slot

NOW = at("07:03:30")
pytestmark = pytest.mark.django_db


def test_each_minute_of_the_ledger_is_drawn_as_what_it_was():
    make_cycle(slot("07:00"), planned=4, answered=3, unavailable=1)
    make_cycle(slot("07:01"), planned=4, answered=1, skipped=3)
    make_cycle(slot("07:03"), planned=4, finished=False, answered=2)
    hours = day_of_ledger(NOW).hours
    assert len(hours) == 24
    this = hours[-1]
    assert this.start == slot("07:00")
    assert list(this.codes[:5]) == [WHOLE, SKIPPED, NOT_WATCHED, OPEN, TO_COME]
    assert (this.planned, this.skipped, this.answered) == (12, 3, 6)
    assert (this.watched.count, this.watched.total) == (3, 4)
    assert (this.answered_share.count, this.answered_share.total) == (6, 9)
    assert dict(this.paths) == {
        "whole": "M0 13h1",
        "skipped": "M1 10h1",
        "off": "M2 8h1",
        "open": "M3 13h1",
    }
    assert hours[0].codes.count(NOT_WATCHED) == 60


def test_capacity_is_told_from_the_longest_cycle_and_not_above_what_is_certain():
    make_cycle(slot("07:00"), planned=1000, answered=1000, duration_ms=15_000)
    make_cycle(slot("06:10"), planned=1000, answered=1000, duration_ms=30_000)
    # It says nothing of how long all of them take.
    make_cycle(slot("06:11"), planned=1000, skipped=900, answered=100, duration_ms=59_000)
    found = day_of_ledger(NOW).capacity
    assert (found.slot, found.used.percent, found.overruns_from) == (slot("06:10"), 50, 2000)


def test_a_cycle_that_took_longer_than_a_minute_tells_of_no_capacity():
    make_cycle(slot("06:10"), planned=1000, answered=1000, duration_ms=61_000)
    assert day_of_ledger(NOW).capacity.overruns_from is None


def test_without_a_cycle_nothing_is_said_of_capacity():
    assert day_of_ledger(NOW).capacity is None


def test_messages_that_wait_are_counted_for_each_queue():
    with redis_server.connect() as redis:
        redis.delete("polls")
        before = queues.waiting()
        redis.rpush("polls", "a", "b")
        after = queues.waiting()
        redis.delete("polls")
    assert set(after.lengths) == {"slots", "polls", "records", "judge", "notices"}
    assert after.lengths == {**before.lengths, "polls": 2}


def test_without_redis_nothing_is_said_of_the_queues(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert queues.waiting() is None
