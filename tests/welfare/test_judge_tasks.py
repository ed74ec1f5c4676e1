"""The way from a recorded cycle to its concerns: signals, messages, two judges at once."""

import contextlib
import threading

import pytest
import redis
from django.db import connection
from django.utils import timezone

from cages.models import Outcome, Poll, PollCycle
from cages.polling import tasks as polling
from cages.polling.recorder import record
from cages.polling.signals import cycle_finished, minutes_changed
from neurocage.celery import app
from tests.factories import MINUTE, make_cage, result, result_of, slot
from tests.processes import wait_for
from tests.welfare.judging import SECONDS, B, N, O, S, pass_minute, pass_minutes
from welfare import judge, receivers, tasks
from welfare.models import Concern, JudgedSlot, Kind

FIRST = slot("07:00")


@pytest.fixture
def told():
    """[(signal, slot)] of what polling told of."""
    heard = []

    def note_finished(slot, **kwargs):
        heard.append(("finished", slot))

    def note_changed(slot, cage_ids, **kwargs):
        heard.append(("changed", slot, cage_ids))

    cycle_finished.connect(note_finished)
    minutes_changed.connect(note_changed)
    yield heard
    cycle_finished.disconnect(note_finished)
    minutes_changed.disconnect(note_changed)


@pytest.fixture
def queues():
    """A function that gives the number of messages in a queue; all are empty at first."""
    with redis.from_url(app.conf.broker_url) as server:
        server.delete("judge", "notices")
        yield lambda name: server.llen(name)
        server.delete("judge", "notices")


def begin(first, cages):
    PollCycle.objects.create(slot=first, started_at=first, planned=len(cages))


def test_a_cycle_is_told_of_when_its_last_shard_is_recorded(transactional_db, told):
    one, other = make_cage(), make_cage()
    begin(FIRST, [one, other])
    record(FIRST, [result(one)], now=FIRST + SECONDS)
    assert told == []
    record(FIRST, [result(other)], now=FIRST + SECONDS)
    assert told == [("finished", FIRST)]


def test_a_cycle_that_was_closed_as_lost_is_told_of(transactional_db, told):
    cage = make_cage()
    begin(FIRST, [cage])
    polling._skip(FIRST, [cage.pk], "lost")
    assert told == [("finished", FIRST)]


def test_a_reading_that_replaces_a_skipped_poll_is_told_of(transactional_db, told):
    one, other, third = make_cage(), make_cage(), make_cage()
    begin(FIRST, [one, other, third])
    record(FIRST, [result_of(c, S) for c in (one, other, third)], now=FIRST + SECONDS)
    del told[:]
    record(FIRST, [result_of(one, B), result_of(other, N)], now=FIRST + 2 * SECONDS)
    assert told == [("changed", FIRST, [one.pk])]


def test_what_a_receiver_raises_leaves_the_recording_whole(transactional_db):
    def fail(**kwargs):
        raise RuntimeError("broken")

    cage = make_cage()
    begin(FIRST, [cage])
    cycle_finished.connect(fail)
    try:
        record(FIRST, [result(cage)], now=FIRST + SECONDS)
    finally:
        cycle_finished.disconnect(fail)
    assert Poll.objects.get().outcome == Outcome.ANSWERED
    assert PollCycle.objects.finished().exists()


def test_a_redis_that_is_away_leaves_the_recording_whole(transactional_db, monkeypatch):
    sends = threading.Event()
    goes_on = threading.Event()

    def hang(*args, **kwargs):
        sends.set()
        goes_on.wait(30)
        raise OSError("Redis is away")

    monkeypatch.setattr(app, "send_task", hang)
    monkeypatch.setattr(receivers, "HELD_SECONDS", 0)
    cage = make_cage()
    begin(FIRST, [cage])
    # It returns although the message cannot be sent yet.
    record(FIRST, [result(cage)], now=FIRST + SECONDS)
    assert sends.wait(30)
    assert PollCycle.objects.finished().exists()
    goes_on.set()


def test_a_finished_cycle_is_judged_through_redis(transactional_db, queues):
    cage = make_cage()
    first = timezone.now().replace(second=0, microsecond=0) - 30 * MINUTE
    for number in range(30):
        begin(first + number * MINUTE, [cage])
        record(first + number * MINUTE, [result_of(cage, B)], now=timezone.now())
        wait_for(lambda: queues("judge") == 1)
        deliver("judge")
    assert Concern.objects.get().raised_slot == first + 17 * MINUTE
    # Whoever sends notices is told at once.
    wait_for(lambda: queues("notices") == 1)
    assert JudgedSlot.objects.count() == 30


def deliver(queue):
    """Take one message out of the queue and run its task here, as a worker would."""
    with app.connection_for_read() as broker:
        inbox = broker.SimpleQueue(app.amqp.queues[queue])
        with contextlib.closing(inbox):
            message = inbox.get(timeout=60)
            args, kwargs, _ = message.payload
            app.tasks[message.headers["task"]](*args, **kwargs)
            message.ack()


def test_a_late_result_comes_through_redis(transactional_db, queues):
    cage = make_cage()
    first = timezone.now().replace(second=0, microsecond=0) - 40 * MINUTE
    pass_minutes(first, {cage: [B] * 15 + [O] * 2 + [S] + [O] * 3})
    assert not Concern.objects.exists()
    wait_for(lambda: queues("judge") >= 20)
    with redis.from_url(app.conf.broker_url) as server:
        server.delete("judge")
    record(first + 17 * MINUTE, [result_of(cage, B)], now=timezone.now())
    wait_for(lambda: queues("judge") == 1)
    deliver("judge")
    assert Concern.objects.get().raised_slot == first + 17 * MINUTE


def test_two_judges_at_once_raise_one_concern(transactional_db):
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B] * 17})
    last = FIRST + 17 * MINUTE
    pass_minute(last, {cage: B}, judges=False)
    start, done = threading.Barrier(4), []

    def work():
        try:
            start.wait(30)
            done.append(judge.judge(last, last + SECONDS))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == [False, False, False, True]
    assert Concern.objects.get().trail.count() == 1


def test_a_message_that_is_delivered_twice_changes_nothing(db):
    cage = make_cage()
    first = timezone.now().replace(second=0, microsecond=0) - 20 * MINUTE
    pass_minutes(first, {cage: [B] * 18})
    before = list(Concern.objects.values())
    seconds = int((first + 17 * MINUTE).timestamp())
    tasks.judge_slot(seconds)
    tasks.judge_slot(seconds)
    assert list(Concern.objects.values()) == before


def test_a_lost_message_is_made_good_by_the_beat(db):
    cage = make_cage()
    first = timezone.now().replace(second=0, microsecond=0) - 19 * MINUTE
    pass_minutes(first, {cage: [B] * 17})
    pass_minute(first + 17 * MINUTE, {cage: B}, judges=False)
    tasks.judge_unjudged()
    concern = Concern.objects.get()
    assert (concern.kind, concern.raised_slot) == (Kind.BAD_LONG, first + 17 * MINUTE)
