"""The poller: many sensors at once, each on its own, within their minute."""

import contextlib
import threading
import time
from concurrent.futures import Future

import pytest

from cages.models import Health, Outcome
from cages.polling import poller
from cages.polling.event_loop import result_of
from cages.polling.poller import Poller
from cages.polling.results import PollResult
from tests.factories import at, slot
from tests.played import played_sensors
from tests.processes import wait_for
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

    def ask(self, cage_id, timeout_seconds):
        self.asked.append(cage_id)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return self.play(cage_id) or answered(cage_id)
        finally:
            self.under_way -= 1


class Gate:
    """Holds polls back until `open`, or until `holds` of them have come. Other polls go on."""

    def __init__(self, holds=None):
        self._opened = Future()
        self._holds = holds
        self.came = 0

    def wait(self):
        self.came += 1
        if self.came == self._holds:
            self.open()
        assert result_of(self._opened, time.monotonic() + PATIENT)

    def open(self):
        if not self._opened.done():
            self._opened.set_result(True)


def answered(cage_id):
    return PollResult(cage_id, Outcome.ANSWERED, 1, 200, Health.OK)


class PlayedTime:
    """In the place of the module `time` of the poller: only `pass_by` lets time pass."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


@pytest.fixture
def played_time(monkeypatch):
    played = PlayedTime()
    monkeypatch.setattr(poller, "time", played)
    return played


class PlannedOnly:
    """In the place of an event loop: keeps the moments of what is planned, and runs it at once."""

    def __init__(self):
        self.is_hurried = False
        self.moments = []

    def plan(self, jobs):
        for moment, job in jobs:
            self.moments.append(moment)
            job()


def moments_of(cage_ids, clock, **spread):
    """When the polls are planned to begin, in seconds after the call."""
    made = poller_of(Sensors())
    made._loop = PlannedOnly()
    began = poller.time.monotonic()
    made.poll(cage_ids, SLOT, clock=lambda: clock, **spread)
    return [moment - began for moment in made._loop.moments]


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
    assert sensors.asked == cage_ids


def test_nobody_to_ask_is_over_at_once():
    assert poll(Sensors(), []) == []


def test_a_hanging_sensor_delays_no_other():
    others, gate = [], Gate()

    def play(cage_id):
        if cage_id == 1:
            return gate.wait()
        others.append(cage_id)
        if len(others) == 39:
            gate.open()

    results = poll(Sensors(play), list(range(1, 41)))
    assert results == [answered(cage_id) for cage_id in range(1, 41)]


def test_a_hanging_shard_delays_no_other_shard_of_the_process():
    gate = Gate()
    shared = poller_of(Sensors(lambda cage_id: gate.wait() if cage_id < 10 else None))
    with running(shared.poll, list(range(1, 10)), SLOT, clock=lambda: AT_ONCE) as first:
        second = shared.poll(list(range(11, 20)), SLOT, clock=lambda: AT_ONCE)
        assert first == []
        gate.open()
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


@pytest.mark.parametrize("clock", ["07:01", "07:01:30", "09:00"])
def test_a_late_shard_is_skipped_and_nobody_is_asked(clock):
    sensors = Sensors()
    results = poll(sensors, [1, 2, 3], at(clock).timestamp(), begin_seconds=5, spread_seconds=30)
    assert sensors.asked == []
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
    assert sensors.asked == [1, 2]
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
    gate = Gate()
    sensors = Sensors(lambda cage_id: gate.wait())
    made = poller_of(sensors, concurrency=2)
    with running(made.poll, list(range(1, 11)), SLOT, clock=lambda: AT_ONCE) as outcome:
        wait_for(lambda: gate.came == 2)
        made.stop_beginning()
        gate.open()
    assert outcome[0] == [answered(1), answered(2)]
    assert sensors.asked == [1, 2]


def test_a_poller_that_stops_does_not_wait_for_polls_that_are_to_come():
    sensors = Sensors()
    made = poller_of(sensors)
    with running(made.poll, [1, 2], SLOT, 0, 100, clock=lambda: AT_ONCE) as outcome:
        wait_for(lambda: sensors.asked)
        made.stop_beginning()
    assert outcome[0] == [answered(1)]


def test_polls_that_wait_for_a_place_until_the_minute_is_over_are_skipped(played_time):
    sensors = Sensors(lambda cage_id: played_time.pass_by(59))
    results = poll(sensors, [1, 2, 3], concurrency=1)
    assert [result.outcome for result in results] == [Outcome.ANSWERED] + [Outcome.SKIPPED] * 2
    assert sensors.asked == [1]


def test_polls_are_spread_evenly_from_their_beginning(played_time):
    moments = moments_of(
        list(range(1, 11)), SLOT.timestamp(), begin_seconds=0.2, spread_seconds=0.5
    )
    assert moments == pytest.approx([0.2 + number * 0.05 for number in range(10)])


def test_a_shard_that_is_behind_its_plan_catches_up_in_half_of_what_is_left(played_time):
    moments = moments_of(list(range(1, 11)), at("07:00:58").timestamp(), spread_seconds=40)
    # 2 s are left, so 10 polls in 1 s: neither all at once nor at the pace of the plan.
    assert moments == pytest.approx([number * 0.1 for number in range(10)])


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
    together = Gate(holds=4)
    sensors = Sensors(lambda cage_id: together.wait())
    results = poll(sensors, list(range(1, 41)), concurrency=4)
    assert {result.outcome for result in results} == {Outcome.ANSWERED}
    assert sensors.most_under_way == 4


def test_one_sensor_can_be_asked_outside_any_slot():
    with played_sensors() as sensors:
        sensors.get("http://sensors.test/data/7/", json={"cage_id": 7, "status": 3})
        result = poller.ask_now(7)
    assert (result.outcome, result.status) == (Outcome.ANSWERED, Health.PERFECT)


def test_a_worker_process_has_one_poller_with_its_settings(monkeypatch, settings):
    settings.POLL_CONCURRENCY, settings.POLL_TIMEOUT_SECONDS = 7, 1.5
    poller._process_poller.cache_clear()
    made = []

    class Noting(Poller):
        def __init__(self, *args):
            made.append(args)
            super().__init__(*args)

    monkeypatch.setattr(poller, "Poller", Noting)
    for _ in range(2):
        assert poller.poll([1], SLOT)[0].outcome == Outcome.SKIPPED
    assert made == [("http://sensors.test", 7, 1.5)]
    poller._process_poller.cache_clear()
