"""The way of a minute, hand-over by hand-over, with messages that really go through Redis."""

import contextlib
import functools
from datetime import UTC, datetime, timedelta

import pytest
import redis
import responses
from django.db import OperationalError

from cages.models import Health, Outcome, PollCycle, Reading, SensorRequest
from cages.polling import tasks
from cages.polling.poller import Poller
from cages.polling.results import encode, skipped
from neurocage.celery import app
from neurocage.stack import programs
from tests.factories import at, make_cage, make_cycle, record_minute, result, slot

NOW = at("07:00:01")
SLOT = slot("07:00")
QUEUES = ("slots", "polls", "records")

# The hand-overs, one by one, with messages that really went through Redis


@pytest.fixture
def at_seven(db, monkeypatch):
    """It is a second past seven, and no message waits."""
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    poller = Poller("http://sensors.test", concurrency=4, timeout_seconds=1)
    monkeypatch.setattr(tasks, "poll", functools.partial(poller.poll, clock=NOW.timestamp))
    clear_queues()
    yield
    clear_queues()


def clear_queues():
    with redis.from_url(app.conf.broker_url) as server:
        server.delete(*QUEUES)


def waiting(queue):
    """How many messages wait in the queue."""
    with redis.from_url(app.conf.broker_url) as server:
        return server.llen(queue)


def deliver(queue):
    """Take one message out of the queue and run its task here, as a worker would."""
    with app.connection_for_read() as broker:
        inbox = broker.SimpleQueue(app.amqp.queues[queue])
        with contextlib.closing(inbox):
            message = inbox.get(timeout=2)
            args, kwargs, _ = message.payload
            app.tasks[message.headers["task"]](*args, **kwargs)
            message.ack()


def sensors_say(**answers):
    """Plays the sensors: cage_3={"status": 2} or cage_3=503."""
    sensors = responses.RequestsMock()
    for name, answer in answers.items():
        cage_id = int(name.removeprefix("cage_"))
        said = {"json": answer} if isinstance(answer, dict) else {"status": answer}
        sensors.get(f"http://sensors.test/data/{cage_id}/", **said)
    return sensors


def test_a_minute_goes_its_way_through_redis(at_seven):
    good, bad = make_cage(id=1), make_cage(id=2)
    make_cage(id=3, is_polled=False)
    with sensors_say(cage_1={"cage_id": 1, "status": 3}, cage_2=503):
        tasks.start_slot()
        assert (waiting("polls"), waiting("records")) == (1, 0)
        deliver("polls")
        assert (waiting("polls"), waiting("records")) == (0, 1)
        assert not SensorRequest.objects.exists()
        deliver("records")
    assert [waiting(queue) for queue in QUEUES] == [0, 0, 0]
    outcomes = {row.cage_id: row.outcome for row in SensorRequest.objects.filter(slot=SLOT)}
    assert outcomes == {good.id: Outcome.ANSWERED, bad.id: Outcome.UNAVAILABLE}
    assert Reading.objects.get().status == Health.PERFECT
    cycle = PollCycle.objects.finished().get()
    assert (cycle.slot, cycle.planned, cycle.answered, cycle.unavailable) == (SLOT, 2, 1, 1)


def test_a_second_beat_sends_nothing(at_seven):
    make_cage()
    tasks.start_slot()
    tasks.start_slot()
    assert waiting("polls") == 1
    assert PollCycle.objects.count() == 1


def test_many_cages_are_many_messages(at_seven, settings):
    settings.POLL_SHARD_SIZE = 2
    for _ in range(5):
        make_cage()
    tasks.start_slot()
    assert waiting("polls") == 3


def test_messages_delivered_twice_ask_twice_and_record_once(at_seven):
    cage = make_cage(id=1)
    with sensors_say(cage_1={"cage_id": 1, "status": 1}):
        tasks.start_slot()
        message = (int(SLOT.timestamp()), [cage.id])
        tasks.poll_cages(*message)
        tasks.poll_cages(*message)
        deliver("polls")
    assert waiting("records") == 3
    for _ in range(3):
        deliver("records")
    assert SensorRequest.objects.get().outcome == Outcome.ANSWERED
    assert Reading.objects.count() == 1
    assert PollCycle.objects.get().recorded == 1


def test_a_message_that_comes_after_its_minute_is_recorded_as_skipped(at_seven):
    cage = make_cage()
    early = SLOT - timedelta(minutes=1)
    make_cycle(early, planned=1, finished=False)
    tasks.poll_cages(int(early.timestamp()), [cage.id])
    deliver("records")
    assert SensorRequest.objects.get().outcome == Outcome.SKIPPED
    assert PollCycle.objects.finished().get().skipped == 1


def test_a_cycle_that_lost_its_shards_is_balanced_by_the_next_start(at_seven):
    cages = [make_cage() for _ in range(3)]
    old = slot("06:45")
    planned = ",".join(str(cage.id) for cage in cages)
    make_cycle(old, planned=3, finished=False, planned_ids=planned)
    record_minute(cages[1], old, status=Health.BAD)
    tasks.start_slot()
    cycle = PollCycle.objects.get(slot=old)
    assert (cycle.answered, cycle.skipped) == (1, 2)
    assert cycle.finished_at == NOW
    assert SensorRequest.objects.get(slot=old, cage=cages[0]).detail == "lost"
    assert SensorRequest.objects.get(slot=old, cage=cages[1]).outcome == Outcome.ANSWERED


def test_results_wait_for_a_database_that_is_away(at_seven, monkeypatch):
    cage = make_cage()
    record, tries = tasks.record, []

    def away_twice(*args, **kwargs):
        tries.append(args)
        if len(tries) < 3:
            raise OperationalError("the database system is starting up")
        return record(*args, **kwargs)

    monkeypatch.setattr(tasks, "record", away_twice)
    tasks.record_polls.apply((int(SLOT.timestamp()), encode([result(cage)]))).get()
    assert len(tries) == 3
    assert Reading.objects.get().slot == SLOT


def test_any_other_trouble_with_a_shard_is_an_error_and_not_tried_for_ever(at_seven):
    columns = encode([skipped(make_cage().id, "x" * 201)])
    assert tasks.record_polls.apply((int(SLOT.timestamp()), columns)).failed()
    assert waiting("records") == 0


def test_the_clock_strikes_every_minute_and_its_messages_do_not_pile_up():
    (entry,) = app.conf.beat_schedule.values()
    assert entry["task"] == tasks.start_slot.name
    assert entry["schedule"].remaining_estimate(datetime.now(UTC)) <= timedelta(minutes=1)
    assert entry["options"]["expires"] < 60


def test_every_task_has_a_queue_that_make_up_serves():
    served = programs.worker() + programs.poller()
    served = {queue for part in served for queue in part.split(",")}
    ours = [name for name in app.tasks if name.startswith("cages.")]
    assert len(ours) == 4
    assert {app.conf.task_routes[name]["queue"] for name in ours} <= served
