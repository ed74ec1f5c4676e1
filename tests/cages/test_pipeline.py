"""The way of a minute, hand-over by hand-over, with messages that really go through Redis."""

import contextlib
import functools
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import redis
from celery.exceptions import Reject
from celery.signals import worker_shutting_down
from django.db import DataError, IntegrityError, OperationalError, transaction
from kombu.exceptions import OperationalError as BrokerAway

from cages.models import Health, Outcome, Poll, PollCycle
from cages.operations import outage
from cages.polling import patience, set_aside, tasks
from cages.polling import poller as polling_poller
from cages.polling.poller import Poller
from cages.polling.recorder import record, record_columns
from cages.polling.results import encode
from local_stack import programs
from neurocage.celery import app
from tests.factories import at, make_cage, make_cycle, record_minute, result, slot
from tests.played import played_sensors

NOW = at("07:00:01")
SLOT = slot("07:00")
QUEUES = ("slots", "polls", "records")

# The hand-overs, one by one, with messages that really went through Redis


@pytest.fixture
def at_seven(db, monkeypatch):
    """It is a second past seven, and no message waits."""
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    monkeypatch.setattr(tasks, "poll", poll_at_seven)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", 0)
    for each in (tasks.starting, tasks.recording):
        monkeypatch.setattr(each, "stop", threading.Event())
    clear_queues()
    yield
    clear_queues()


def poll_at_seven(*args):
    poller = Poller("http://sensors.test", concurrency=4, timeout_seconds=30)
    return poller.poll(*args, clock=NOW.timestamp)


def clear_queues():
    with redis.from_url(app.conf.broker_url) as server:
        server.delete(*QUEUES, outage.KEY, set_aside.KEY)


def waiting(queue):
    """How many messages wait in the queue."""
    with redis.from_url(app.conf.broker_url) as server:
        return server.llen(queue)


def deliver(queue):
    """Take one message out of the queue and run its task here, as a worker would."""
    with app.connection_for_read() as broker:
        inbox = broker.SimpleQueue(app.amqp.queues[queue])
        with contextlib.closing(inbox):
            message = inbox.get(timeout=60)
            args, kwargs, _ = message.payload
            app.tasks[message.headers["task"]](*args, **kwargs)
            message.ack()


class AwayTwice:
    """Does what the function does, but for the first two times, when the database is away."""

    def __init__(self, function):
        self.function = function
        self.left = 2

    def __call__(self, *args, **options):
        if self.left:
            self.left -= 1
            raise OperationalError("the database system is starting up")
        return self.function(*args, **options)


@contextlib.contextmanager
def sensors_say(**answers):
    """Plays the sensors: cage_3={"status": 2} or cage_3=503."""
    with played_sensors() as sensors:
        for name, answer in answers.items():
            cage_id = int(name.removeprefix("cage_"))
            said = {"json": answer} if isinstance(answer, dict) else {"status": answer}
            sensors.get(f"http://sensors.test/data/{cage_id}/", **said)
        yield sensors


def test_a_minute_goes_its_way_through_redis(at_seven):
    good, bad = make_cage(id=1), make_cage(id=2)
    make_cage(id=3, is_polled=False)
    with sensors_say(cage_1={"cage_id": 1, "status": 3}, cage_2=503):
        tasks.start_slot()
        assert (waiting("polls"), waiting("records")) == (1, 0)
        deliver("polls")
        assert (waiting("polls"), waiting("records")) == (0, 1)
        assert not Poll.objects.exists()
        deliver("records")
    assert [waiting(queue) for queue in QUEUES] == [0, 0, 0]
    outcomes = {row.cage_id: row.outcome for row in Poll.objects.filter(slot=SLOT)}
    assert outcomes == {good.id: Outcome.ANSWERED, bad.id: Outcome.UNAVAILABLE}
    assert Poll.objects.answered().get().status == Health.PERFECT
    cycle = PollCycle.objects.finished().get()
    assert (cycle.slot, cycle.planned, cycle.answered, cycle.unavailable) == (SLOT, 2, 1, 1)


def test_the_backlog_never_exceeds_two_minutes(at_seven, settings, monkeypatch):
    settings.POLL_SHARD_SIZE = 2
    for _ in range(5):
        make_cage()
    # Nobody takes a message out.
    for minute in range(4):
        moment = NOW + timedelta(minutes=minute)
        monkeypatch.setattr(tasks.timezone, "now", lambda moment=moment: moment)
        tasks.start_slot()
    assert waiting("polls") == 2 * 3
    sent, late = PollCycle.objects.open(), PollCycle.objects.finished()
    assert [cycle.slot.minute for cycle in sent.order_by("slot")] == [0, 1]
    assert [cycle.slot.minute for cycle in late.order_by("slot")] == [2, 3]
    assert {cycle.skipped for cycle in late} == {5}
    details = set(Poll.objects.values_list("detail", flat=True))
    assert details == {"the pollers did not keep up"}


def test_no_more_is_asked_than_the_recorders_can_write(at_seven):
    cage = make_cage()
    for _ in range(11):
        tasks.record_polls.delay(int(SLOT.timestamp()), encode([result(cage)]))
    tasks.start_slot()
    assert waiting("polls") == 0
    assert PollCycle.objects.get().skipped == 1
    assert Poll.objects.get().detail == "the recorders did not keep up"


def test_what_redis_does_not_take_is_skipped_at_once(at_seven, settings, monkeypatch):
    settings.POLL_SHARD_SIZE = 2
    cages = [make_cage() for _ in range(5)]
    send, sent = tasks.poll_cages.apply_async, []

    def away_after_one(*args, **options):
        if sent:
            raise BrokerAway("Connection refused")
        sent.append(args)
        return send(*args, **options)

    monkeypatch.setattr(tasks.poll_cages, "apply_async", away_after_one)
    tasks.start_slot()
    assert waiting("polls") == 1
    skipped_ids = Poll.objects.order_by("cage_id").values_list("cage_id", flat=True)
    assert list(skipped_ids) == [cage.id for cage in cages[2:]]


def test_a_minute_begins_late_rather_than_not_at_all_when_the_database_is_away(
    at_seven, monkeypatch
):
    make_cage()
    monkeypatch.setattr(tasks.schedule, "claim", AwayTwice(tasks.schedule.claim))
    tasks.start_slot()
    assert waiting("polls") == 1


def test_a_minute_that_is_nearly_over_is_given_up(at_seven, monkeypatch):
    def away(*args):
        raise OperationalError("the database system is starting up")

    monkeypatch.setattr(tasks.schedule, "claim", away)
    monkeypatch.setattr(tasks.timezone, "now", lambda: at("07:00:59.9"))
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", 10)
    tasks.start_slot()
    assert not PollCycle.objects.exists()


def test_a_poller_that_stops_hands_the_rest_of_its_shard_back(at_seven, monkeypatch):
    asked = [result(cage_id) for cage_id in (1, 2)]
    monkeypatch.setattr(tasks, "poll", lambda *args: asked)
    tasks.poll_cages(int(SLOT.timestamp()), [1, 2, 3, 4, 5], 10, 20)
    assert waiting("records") == 1
    seen = []
    monkeypatch.setattr(tasks, "poll", lambda *args: seen.append(args) or [])
    deliver("polls")
    assert seen == [([3, 4, 5], SLOT, 18, 12)]
    # That one stops too, before it began: nothing is recorded, and nothing lost.
    assert (waiting("polls"), waiting("records")) == (1, 1)


def test_a_worker_that_is_told_to_stop_begins_no_poll(monkeypatch):
    made = Poller("http://sensors.test", concurrency=1, timeout_seconds=1)
    monkeypatch.setattr(polling_poller, "_process_poller", functools.cache(lambda: made))
    worker_shutting_down.send(sender="worker", sig="TERM", how="Warm", exitcode=0)
    assert not made.is_stopping
    polling_poller._process_poller()
    worker_shutting_down.send(sender="worker", sig="TERM", how="Warm", exitcode=0)
    assert made.is_stopping


def test_a_message_that_comes_after_its_minute_is_recorded_as_skipped(at_seven):
    cage = make_cage()
    early = SLOT - timedelta(minutes=1)
    make_cycle(early, planned=1, planned_ids=str(cage.id), finished=False)
    tasks.poll_cages(int(early.timestamp()), [cage.id])
    deliver("records")
    assert Poll.objects.get().outcome == Outcome.SKIPPED
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
    assert Poll.objects.get(slot=old, cage=cages[0]).detail == "lost"
    assert Poll.objects.get(slot=old, cage=cages[1]).outcome == Outcome.ANSWERED


def test_results_wait_for_a_database_that_is_away(at_seven, monkeypatch):
    cage = make_cage()
    make_cycle(SLOT, planned=1, planned_ids=str(cage.id), finished=False)
    monkeypatch.setattr(tasks, "record_claimed", AwayTwice(tasks.record_claimed))
    tasks.record_polls(int(SLOT.timestamp()), encode([result(cage)]))
    assert Poll.objects.answered().get().slot == SLOT
    assert set_aside.count() == 0


def test_a_worker_that_stops_gives_back_the_results_that_wait(at_seven, monkeypatch):
    def away(*args):
        tasks.hand_back()
        raise OperationalError("the database system is starting up")

    monkeypatch.setattr(tasks, "record_claimed", away)
    with pytest.raises(Reject) as caught:
        tasks.record_polls(int(SLOT.timestamp()), encode([result(1)]))
    assert caught.value.requeue


def test_when_redis_goes_away_after_the_claim_the_minute_is_skipped_at_once(at_seven, monkeypatch):
    make_cage()

    def away():
        raise redis.ConnectionError("Connection refused")

    monkeypatch.setattr(tasks.app, "connection_for_write", away)
    tasks.start_slot()
    assert Poll.objects.get().detail == "Redis went away"
    assert PollCycle.objects.finished().exists()


def test_a_lost_cycle_that_cannot_be_closed_stops_no_other(at_seven, monkeypatch):
    cage = make_cage()
    slots = [slot("06:44"), slot("06:45")]
    for old in slots:
        make_cycle(old, planned=1, finished=False, planned_ids=str(cage.id))

    def refuse_the_first(slot, *args, **options):
        if slot == slots[0]:
            raise DataError("integer out of range")
        return record(slot, *args, **options)

    monkeypatch.setattr(tasks, "record", refuse_the_first)
    tasks.start_slot()
    assert list(PollCycle.objects.open().values_list("slot", flat=True)) == [slots[0], SLOT]


def test_the_clock_strikes_every_minute_and_its_messages_do_not_pile_up():
    entry = app.conf.beat_schedule["start-slot"]
    assert entry["task"] == tasks.start_slot.name
    assert entry["schedule"].remaining_estimate(datetime.now(UTC)) <= timedelta(minutes=1)
    assert entry["options"]["expires"] < 60


def test_every_task_has_a_queue_that_make_up_serves():
    served = programs.worker() + programs.poller() + programs.welfare()
    served = {queue for part in served for queue in part.split(",")}
    # As a worker does at its start.
    app.loader.import_default_modules()
    ours = [name for name in app.tasks if name.startswith(("cages.", "people.", "welfare."))]
    assert len(ours) == 17
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(ours)
    assert {app.conf.task_routes[name]["queue"] for name in ours} <= served


# How a shard travels


@pytest.mark.parametrize(
    "spoil",
    [
        lambda columns: columns.pop("status"),
        lambda columns: columns["cage_id"].append(9),
        lambda columns: columns.update(outcome=[99]),
        lambda columns: columns.update(status=[0]),
    ],
)
def test_a_spoilt_shard_is_refused(db, spoil):
    columns = encode([result(make_cage())])
    spoil(columns)
    with pytest.raises((ValueError, KeyError, IntegrityError)), transaction.atomic():
        record_columns(SLOT, columns, NOW)
    assert not Poll.objects.exists()


def test_five_hundred_results_travel_in_a_small_message():
    assert len(json.dumps(encode([result(number) for number in range(10_000, 10_500)]))) < 20_000
