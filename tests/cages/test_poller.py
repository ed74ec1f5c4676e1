"""The poller: many sensors at once, each on its own, within their minute."""

import contextlib
import threading

import pytest

from cages.models import Health, Outcome
from cages.polling import poller
from cages.polling.poller import Poller, ThreadCrew
from cages.polling.results import PollResult
from tests.factories import at, slot
from tests.played import played_sensors
from tests.processes import until
from tests.sensor_server import PATIENT

SLOT = slot("07:00")
# The wall clock stands when a poll of the slot begins.
AT_ONCE = at("07:00:01").timestamp()


class Sensors:
    """Plays the sensor client: remembers who was asked when; `play` may hang, raise or answer."""

    def __init__(self, play=lambda cage_id: None):
        self.play = play
        self.asked = []
        self.under_way = self.most_under_way = 0
        self._lock = threading.Lock()

    def ask(self, cage_id, timeout_seconds):
        with self._lock:
            self.asked.append((cage_id, poller.time.monotonic()))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return self.play(cage_id) or answered(cage_id)
        finally:
            with self._lock:
                self.under_way -= 1

    @property
    def asked_ids(self):
        return sorted(cage_id for cage_id, _ in self.asked)


def answered(cage_id):
    return PollResult(cage_id, Outcome.ANSWERED, 1, 200, Health.OK)


class PlayedTime:
    """In the place of the module `time`: only sleeping and `pass_by` let time pass."""

    def __init__(self):
        self.now = 1000.0
        self.sleeps = []

    def monotonic(self):
        return self.now

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.pass_by(seconds)

    def pass_by(self, seconds):
        self.now += seconds


@pytest.fixture
def played_time(monkeypatch):
    played = PlayedTime()
    monkeypatch.setattr(poller, "time", played)
    return played


def poll_one_by_one(sensors, cage_ids, clock, **spread):
    """`poll`, where each poll is over before the next one is begun."""
    made = poller_of(sensors)
    made._crew.submit = lambda job: job()
    return made.poll(cage_ids, SLOT, clock=lambda: clock, **spread)


def poller_of(sensors, concurrency=50, timeout_seconds=PATIENT):
    made = Poller("http://sensors.test", concurrency, timeout_seconds)
    made._client = sensors
    return made


def poll(sensors, cage_ids, clock=AT_ONCE, concurrency=50, timeout_seconds=PATIENT, **spread):
    made = poller_of(sensors, concurrency, timeout_seconds)
    return made.poll(cage_ids, SLOT, clock=lambda: clock, **spread)


def test_there_is_one_result_for_each_cage_in_their_order():
    cage_ids = [9, 3, 7, 1, *range(100, 160)]
    sensors = Sensors()
    assert poll(sensors, cage_ids) == [answered(cage_id) for cage_id in cage_ids]
    assert sensors.asked_ids == sorted(cage_ids)


def test_nobody_to_ask_is_over_at_once():
    assert poll(Sensors(), []) == []


def test_a_hanging_sensor_delays_no_other():
    let_go = threading.Event()
    others_are_done = threading.Event()
    others = []

    def play(cage_id):
        if cage_id == 1:
            assert let_go.wait(PATIENT)
            return
        others.append(cage_id)
        if len(others) == 39:
            others_are_done.set()

    sensors = Sensors(play)
    with running(poll, sensors, list(range(1, 41))) as outcome:
        assert others_are_done.wait(PATIENT), "39 sensors wait for one"
        let_go.set()
    assert outcome[0] == [answered(cage_id) for cage_id in range(1, 41)]


def test_a_hanging_shard_delays_no_other_shard_of_the_process():
    let_go = threading.Event()
    shared = poller_of(Sensors(lambda cage_id: cage_id < 10 and not let_go.wait(PATIENT) and None))
    with running(shared.poll, list(range(1, 10)), SLOT, clock=lambda: AT_ONCE) as first:
        second = shared.poll(list(range(11, 20)), SLOT, clock=lambda: AT_ONCE)
        assert first == []
        let_go.set()
    assert [result.cage_id for result in second] == list(range(11, 20))
    assert len(first[0]) == 9


@contextlib.contextmanager
def running(function, *args, **kwargs):
    """Runs the function on a thread; gives a list that holds its result once that is over."""
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(function(*args, **kwargs)))
    thread.start()
    yield outcome
    thread.join(PATIENT)
    assert not thread.is_alive()


def test_a_call_that_cannot_be_ended_is_given_up_and_the_rest_is_kept(monkeypatch):
    hangs = threading.Event()
    let_go = threading.Event()

    def play(cage_id):
        if cage_id == 2:
            hangs.set()
            let_go.wait(PATIENT)

    wait_for_all = poller._Shard.results_of

    def wait_until_one_hangs(shard, count, latest):
        assert latest == shard.slot_end + 0.1 + poller.GRACE_SECONDS
        assert hangs.wait(PATIENT)
        return wait_for_all(shard, count, latest=0)

    monkeypatch.setattr(poller._Shard, "results_of", wait_until_one_hangs)
    # One after the other, so the first two are over when the last one hangs.
    results = poll(Sensors(play), [1, 3, 2], concurrency=1, timeout_seconds=0.1)
    let_go.set()
    assert results[:2] == [answered(1), answered(3)]
    assert results[2].outcome == Outcome.TIMEOUT
    assert (results[2].latency_ms, results[2].detail) == (100, "the call could not be ended")


@pytest.mark.parametrize("clock", ["07:01", "07:01:30", "09:00"])
def test_a_late_shard_is_skipped_and_nobody_is_asked(clock, played_time):
    sensors = Sensors()
    results = poll(sensors, [1, 2, 3], at(clock).timestamp(), begin_seconds=5, spread_seconds=30)
    assert sensors.asked == []
    assert played_time.sleeps == []
    assert [result.cage_id for result in results] == [1, 2, 3]
    for result in results:
        assert (result.outcome, result.detail) == (Outcome.SKIPPED, "its minute was over")
        assert (result.latency_ms, result.http_status, result.status) == (None, None, None)


def test_a_shard_of_a_slot_far_ahead_is_not_waited_for():
    # The clock was set back after the shard was sent, or this machine's clock is behind.
    sensors = Sensors()
    results = poll(sensors, [1, 2], at("06:58:30").timestamp())
    assert sensors.asked == []
    assert [result.outcome for result in results] == [Outcome.SKIPPED] * 2
    assert results[0].detail == "the clock of the poller's machine is behind"


class SteppedClock:
    """The slot's first second, until the clock is set forward."""

    forward = 0

    def __call__(self):
        return AT_ONCE + self.forward


def test_no_poll_begins_once_the_wall_clock_says_that_the_minute_is_over():
    clock = SteppedClock()

    def play(cage_id):
        if cage_id == 2:
            clock.forward = 600

    sensors = Sensors(play)
    results = poller_of(sensors, concurrency=1).poll([1, 2, 3, 4], SLOT, clock=clock)
    assert sensors.asked_ids == [1, 2]
    assert [result.outcome for result in results] == [Outcome.ANSWERED] * 2 + [Outcome.SKIPPED] * 2


@pytest.mark.parametrize(
    ("outcome", "recorded", "detail"),
    [
        (Outcome.TIMEOUT, Outcome.SKIPPED, "the poller's machine slept, or its clock was set"),
        # An answer is an answer.
        (Outcome.UNAVAILABLE, Outcome.UNAVAILABLE, ""),
    ],
)
def test_what_a_sensor_did_not_answer_while_the_machine_slept_is_not_its_fault(
    outcome, recorded, detail
):
    clock = SteppedClock()

    def play(cage_id):
        clock.forward = 600
        return PollResult(cage_id, outcome, 10_000, None)

    (result,) = poller_of(Sensors(play)).poll([1], SLOT, clock=clock)
    assert (result.outcome, result.detail) == (recorded, detail)


def test_a_poller_that_stops_ends_what_it_began_and_leaves_out_the_rest():
    sensors = Sensors()
    made = poller_of(sensors, concurrency=2)
    asked_two = threading.Barrier(3)
    let_go = threading.Event()

    def play(cage_id):
        asked_two.wait(PATIENT)
        assert let_go.wait(PATIENT)

    sensors.play = play
    with running(made.poll, list(range(1, 11)), SLOT, clock=lambda: AT_ONCE) as outcome:
        asked_two.wait(PATIENT)
        made.is_stopping = True
        let_go.set()
    assert outcome[0] == [answered(cage_id) for cage_id in sensors.asked_ids]
    assert len(sensors.asked) == 2


def test_a_poller_that_stops_does_not_wait_for_polls_that_are_to_come():
    sensors = Sensors()
    made = poller_of(sensors)
    with running(made.poll, [1, 2], SLOT, 0, 100, clock=lambda: AT_ONCE) as outcome:
        until(lambda: sensors.asked)
        made.is_stopping = True
    assert outcome[0] == [answered(1)]


def test_polls_that_wait_for_a_place_until_the_minute_is_over_are_skipped(played_time):
    sensors = Sensors(lambda cage_id: played_time.pass_by(59))
    results = poll(sensors, [1, 2, 3], concurrency=1)
    assert [result.outcome for result in results] == [Outcome.ANSWERED] + [Outcome.SKIPPED] * 2
    assert sensors.asked_ids == [1]


def test_polls_are_spread_evenly_from_their_beginning(played_time):
    sensors = Sensors()
    began = played_time.now
    start_of_slot = SLOT.timestamp()
    poll_one_by_one(
        sensors, list(range(1, 11)), start_of_slot, begin_seconds=0.2, spread_seconds=0.5
    )
    assert [cage_id for cage_id, _ in sensors.asked] == list(range(1, 11))
    for number, (_, moment) in enumerate(sensors.asked):
        assert moment - began == pytest.approx(0.2 + number * 0.05, abs=0.002)


def test_a_shard_that_is_behind_its_plan_catches_up_in_half_of_what_is_left(played_time):
    sensors = Sensors()
    began = played_time.now
    poll_one_by_one(sensors, list(range(1, 11)), at("07:00:58").timestamp(), spread_seconds=40)
    # 2 s are left, so 10 polls in 1 s: neither all at once nor at the pace of the plan.
    for number, (_, moment) in enumerate(sensors.asked):
        assert moment - began == pytest.approx(number * 0.1, abs=0.002)


def test_a_mistake_of_our_own_is_a_skipped_poll_and_a_logged_error(caplog):
    def play(cage_id):
        if cage_id == 2:
            raise ZeroDivisionError("ours")

    results = poll(Sensors(play), [1, 2, 3])
    assert [result.outcome for result in results] == [
        Outcome.ANSWERED,
        Outcome.SKIPPED,
        Outcome.ANSWERED,
    ]
    assert results[1].detail == "Neurocage itself failed: ZeroDivisionError"
    assert "Asking cage 2 failed inside Neurocage" in caplog.text
    assert "ZeroDivisionError: ours" in caplog.text


def test_no_more_polls_are_under_way_than_allowed():
    together = threading.Barrier(4)
    sensors = Sensors(lambda cage_id: together.wait(PATIENT) and None)
    results = poll(sensors, list(range(1, 41)), concurrency=4)
    assert {result.outcome for result in results} == {Outcome.ANSWERED}
    assert sensors.most_under_way == 4


def test_a_crash_outside_a_poll_leaves_the_crew_at_work(caplog):
    crew = ThreadCrew(1)
    done = threading.Event()
    crew.submit(lambda: 1 / 0)
    crew.submit(done.set)
    assert done.wait(PATIENT)
    assert "A poll crashed" in caplog.text


def test_a_machine_that_gives_no_more_threads_slows_the_polls_and_loses_none(monkeypatch, caplog):
    class Scarce(threading.Thread):
        made = 0

        def start(self):
            Scarce.made += 1
            if Scarce.made > 3:
                raise RuntimeError("can't start new thread")
            super().start()

    together = threading.Barrier(3)
    sensors = Sensors(lambda cage_id: together.wait(PATIENT) and None)
    monkeypatch.setattr(poller.threading, "Thread", Scarce)
    results = poll(sensors, list(range(1, 31)))
    assert {result.outcome for result in results} == {Outcome.ANSWERED}
    assert sensors.most_under_way == 3
    assert caplog.text.count("can't start new thread; going on with 3 polls at once") == 1


def test_one_sensor_can_be_asked_outside_any_slot():
    with played_sensors() as sensors:
        sensors.get("http://sensors.test/data/7/", json={"cage_id": 7, "status": 3})
        result = poller.ask_now(7)
    assert (result.outcome, result.status) == (Outcome.ANSWERED, Health.PERFECT)


def test_a_worker_process_has_one_poller_with_its_settings(monkeypatch, settings):
    settings.POLL_CONCURRENCY, settings.POLL_TIMEOUT_SECONDS = 7, 1.5
    made = []
    monkeypatch.setattr(poller, "Poller", lambda *args: made.append(args) or poller_of(Sensors()))
    poller._process_poller.cache_clear()
    for _ in range(2):
        assert poller.poll([1], SLOT)[0].outcome == Outcome.SKIPPED
    assert made == [("http://sensors.test", 7, 1.5)]
    poller._process_poller.cache_clear()
