"""The whole way of a minute through the real processes: beat, worker, poller, simulator.

The pipeline needs up to a minute of the wall clock: beat starts polling at the next full minute.
"""

import contextlib
import os
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis
from celery import Celery

from cages.models import Health, Outcome
from cages.polling.poller import Poller
from cages.polling.results import encode
from cages.slots import slot_of
from local_stack import programs
from local_stack.answers import answers_200
from local_stack.config import BASE_DIR, child_environment
from local_stack.ports import free_port
from local_stack.processes import Child, stop_together, tail
from neurocage.celery import app
from sensor_api.misbehaviour import FAULTS
from tests.factories import result
from tests.processes import wait_for

pytestmark = pytest.mark.long
QUEUES = ("slots", "polls", "records")
OUTCOME_OF_FAULT = {
    "refuse": Outcome.CONNECTION_ERROR,
    "hang": Outcome.TIMEOUT,
    "drip": Outcome.TIMEOUT,
    "slow": Outcome.ANSWERED,
    "unavailable": Outcome.UNAVAILABLE,
    "error": Outcome.HTTP_ERROR,
    "redirect": Outcome.HTTP_ERROR,
    "malformed": Outcome.MALFORMED,
    "wrong_id": Outcome.MALFORMED,
    "bad_status": Outcome.MALFORMED,
    "huge": Outcome.MALFORMED,
}
FAULTY = dict(enumerate(FAULTS, start=101))
HEALTHY = range(1, 21)
EXPECTED = dict.fromkeys(HEALTHY, Outcome.ANSWERED) | {
    cage_id: OUTCOME_OF_FAULT[fault] for cage_id, fault in FAULTY.items()
}
# Some faults wait for this deadline. On a busy machine, healthy sensors answer within it too.
TIMEOUT_SECONDS = 5
PAUSED, ARCHIVED = 201, 202
PREPARE = f"""
import django
django.setup()
from django.core.management import call_command
from tests.factories import at, make_cage, make_user
call_command("migrate", verbosity=0)
call_command("setup_storage", "--layout-only")
owner = make_user()
for cage_id in {list(EXPECTED)}:
    make_cage(id=cage_id, owner=owner)
make_cage(id={PAUSED}, owner=owner, is_polled=False)
make_cage(id={ARCHIVED}, owner=owner, archived_at=at("06:00"))
"""


class Processes:
    """Processes of the project, started for real; their logs are kept in the folder."""

    def __init__(self, folder):
        self.folder = folder
        self.children = []

    def start(self, name, command, **environment):
        child = Child(
            name,
            command,
            records=self.folder,
            log=self.folder / f"{name}.log",
            env=child_environment(STATE_DIR=self.folder / "state", **environment),
            cwd=BASE_DIR,
        )
        child.start()
        self.children.append(child)
        return child

    def stop(self):
        return stop_together(self.children, seconds=10)

    def logs(self):
        return "\n".join(f"== {c.name}: {c.poll()}\n{tail(c.log, 40)}" for c in self.children)


@contextlib.contextmanager
def telling_logs(processes):
    """What the processes had to say, where a test of them fails."""
    try:
        yield
    except BaseException:
        print(processes.logs())
        raise


@pytest.fixture(scope="session")
def sensor_api(tmp_path_factory):
    """The address of the real sensor simulator; quick, never failing but where a fault is set."""
    processes = Processes(tmp_path_factory.mktemp("sensor_api"))
    port = free_port()
    config = "sensor_api/gunicorn.conf.py"
    processes.start(
        "sensor_api",
        programs.gunicorn(config, port, "sensor_api.wsgi:app"),
        SENSOR_FAILURE_RATE=0,
        SENSOR_LATENCY_MIN_SECONDS=0.01,
        SENSOR_LATENCY_MAX_SECONDS=0.1,
        SENSOR_SLOW_SECONDS=0.3,
        SENSOR_FAULTS=",".join(f"{cage_id}={fault}" for cage_id, fault in FAULTY.items()),
    )
    try:
        with telling_logs(processes):
            wait_for(lambda: answers_200(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        processes.stop()


def test_the_simulator_and_the_poller_mean_the_same(sensor_api):
    assert set(FAULTS) == set(OUTCOME_OF_FAULT)
    poller = Poller(sensor_api, concurrency=50, timeout_seconds=TIMEOUT_SECONDS)
    now = datetime.now(UTC).replace(second=10)
    for _ in range(2):  # the second time on kept connections
        results = poller.poll(list(EXPECTED), slot_of(now), clock=now.timestamp)
        assert {each.cage_id: each.outcome for each in results} == EXPECTED
        for each in results:
            answered = each.outcome == Outcome.ANSWERED
            assert (each.status in set(Health)) == answered
            assert (each.detail == "") == (answered or each.http_status == 503) or (
                each.outcome == Outcome.TIMEOUT
            )
    by_fault = {FAULTY[each.cage_id]: each for each in results if each.cage_id in FAULTY}
    assert by_fault["error"].http_status == 500
    assert by_fault["redirect"].http_status == 302
    assert by_fault["huge"].detail == "unusable body: longer than 64 KiB"
    assert by_fault["slow"].latency_ms >= 300


class Pipeline(Processes):
    """Two beats, a worker and a poller, with a database and a Redis database of their own."""

    def __init__(self, folder, sensor_api):
        super().__init__(folder)
        self.sensor_api = sensor_api
        self.redis_url = app.conf.broker_url.removesuffix("/0") + "/1"
        self.sender = Celery(broker=self.redis_url, set_as_current=False)
        self.sender.conf.task_routes = app.conf.task_routes
        self.database = None

    def run(self):
        with contextlib.closing(psycopg2.connect(os.environ["DATABASE_URL"])) as server:
            server.autocommit = True
            server.cursor().execute("CREATE DATABASE pipeline")
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/pipeline").geturl()
        addresses = {"REDIS_URL": self.redis_url, "SENSOR_API_URL": self.sensor_api}
        prepare = self.start("prepare", [sys.executable, "-c", PREPARE], DATABASE_URL=url)
        wait_for(lambda: not prepare.is_alive())
        assert prepare.poll() == 0
        self.database = psycopg2.connect(url)
        self.database.autocommit = True
        worker = programs.worker()
        self.start("worker", worker, DATABASE_URL=url, **addresses)
        # The poller has neither database nor secret.
        nothing = {"DATABASE_URL": "", "SECRET_KEY": "", "POLL_TIMEOUT_SECONDS": TIMEOUT_SECONDS}
        poller = programs.poller()
        self.start("poller", poller, **addresses, **nothing)
        for name in ("beat", "second_beat"):
            self.start(name, programs.beat(), DATABASE_URL=url, **addresses)

    def send(self, task, *args):
        self.sender.send_task(f"cages.polling.tasks.{task}", args)

    def workers(self):
        return len(self.sender.control.ping(timeout=0.5))

    def rows(self, query, *values):
        with self.database.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def finished_slots(self):
        query = "SELECT slot FROM cages_pollcycle WHERE finished_at IS NOT NULL ORDER BY slot"
        return [found for (found,) in self.rows(query)]

    def is_idle(self):
        with redis.from_url(self.redis_url) as server:
            return not any(server.llen(queue) for queue in QUEUES) and not server.hlen("unacked")

    def stop(self):
        super().stop()
        self.sender.close()
        if self.database:
            self.database.close()


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory, sensor_api):
    pipeline = Pipeline(tmp_path_factory.mktemp("pipeline"), sensor_api)
    try:
        with telling_logs(pipeline):
            pipeline.run()
        yield pipeline
    finally:
        pipeline.stop()


def test_a_slot_started_twice_by_hand_is_polled(pipeline):
    with telling_logs(pipeline):
        wait_for(lambda: pipeline.workers() == 2)
        # Whoever begins a slot in its last seconds is told that its minute is over.
        wait_for(lambda: datetime.now(UTC).second < 50)
        pipeline.send("start_slot")
        pipeline.send("start_slot")
        ((first,),) = wait_for(lambda: pipeline.rows("SELECT slot FROM cages_pollcycle"))
        # A message that is delivered a second time while the first is still under way.
        pipeline.send("poll_cages", int(first.timestamp()), list(EXPECTED), 0, 0.2)


def test_every_minute_is_polled_and_recorded_exactly_once(pipeline):
    with telling_logs(pipeline):
        # The first by hand, the others by the two beats.
        slots = wait_for(lambda: len(found := pipeline.finished_slots()) > 1 and found)
        first = slots[0]
        # Another story of a slot that is recorded already.
        other_story = [result(cage_id, status=Health.BAD) for cage_id in EXPECTED]
        pipeline.send("record_polls", int(first.timestamp()), encode(other_story))
        wait_for(pipeline.is_idle)

        for each in slots:
            requests = pipeline.rows(
                "SELECT cage_id, outcome FROM cages_poll WHERE slot = %s", each
            )
            assert len(requests) == len(EXPECTED)
            assert dict(requests) == {cage_id: int(known) for cage_id, known in EXPECTED.items()}
            readings = pipeline.rows("SELECT cage_id FROM cages_reading WHERE slot = %s", each)
            answered = {cage_id for cage_id in EXPECTED if EXPECTED[cage_id] == Outcome.ANSWERED}
            assert sorted(readings) == [(cage_id,) for cage_id in sorted(answered)]
            columns = ", ".join(outcome.word for outcome in Outcome)
            query = f"SELECT planned, duration_ms, {columns} FROM cages_pollcycle WHERE slot = %s"  # noqa: S608
            ((planned, duration_ms, *counts),) = pipeline.rows(query, each)
            assert planned == sum(counts) == len(EXPECTED)
            assert dict(zip(Outcome, counts, strict=True)) == {
                outcome: Counter(EXPECTED.values())[outcome] for outcome in Outcome
            }
            assert 0 < duration_ms < 60_000

        minutes = [(each - first) / timedelta(minutes=1) for each in slots]
        assert minutes == list(range(len(minutes))), "a minute is missing"
        states = pipeline.rows("SELECT cage_id, outcome FROM cages_cagestate")
        assert dict(states) == {cage_id: int(known) for cage_id, known in EXPECTED.items()}
        assert all(child.is_alive() for child in pipeline.children[1:])
        for child in pipeline.children:
            assert "Traceback" not in child.log.read_text()
