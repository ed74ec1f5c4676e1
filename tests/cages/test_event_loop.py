"""Jobs that wait for sockets and results, many on one thread."""

import socket
import threading
import time
from concurrent.futures import Future

import pytest

from cages.polling.event_loop import READ, EventLoop, result_of, wait_for
from tests.sensor_server import PATIENT


def outcome_of(job, loop=None):
    """What the job returned or raised, run in an event loop."""
    done = Future()

    def note():
        try:
            done.set_result(job())
        except Exception as error:
            done.set_exception(error)

    (loop or EventLoop(10)).plan([(0, note)])
    return done.result(PATIENT)


def in_its_thread(job):
    return job()


@pytest.fixture
def pair():
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


@pytest.mark.parametrize("run", [outcome_of, in_its_thread])
def test_a_socket_that_can_be_read_ends_the_wait(run, pair):
    pair[0].send(b"1")
    assert run(lambda: wait_for(pair[1], READ, time.monotonic() + PATIENT)) is None


@pytest.mark.parametrize("run", [outcome_of, in_its_thread])
@pytest.mark.parametrize("wait", [lambda pair, end: wait_for(pair[1], READ, end),
                                  lambda pair, end: result_of(Future(), end)],
                         ids=["socket", "result"])  # fmt: skip
def test_a_wait_ends_at_its_deadline(run, wait, pair):
    with pytest.raises(TimeoutError):
        run(lambda: wait(pair, time.monotonic() + 0.01))


def test_a_job_that_waits_lets_another_one_run(pair):
    loop = EventLoop(2)
    answer = Future()

    def ask():
        wait_for(pair[1], READ, time.monotonic() + PATIENT)
        answer.set_result(pair[1].recv(10))

    loop.plan([(0, ask), (0, lambda: pair[0].send(b"1"))])
    assert answer.result(PATIENT) == b"1"


def test_a_wait_after_another_keeps_its_own_deadline(pair):
    def wait_twice():
        with pytest.raises(TimeoutError):
            wait_for(pair[1], READ, time.monotonic() + 0.01)
        pair[0].send(b"1")
        wait_for(pair[1], READ, time.monotonic() + PATIENT)

    outcome_of(wait_twice)


def test_a_result_that_another_thread_gives_ends_the_wait():
    future = Future()

    def wait():
        threading.Thread(target=future.set_result, args=("found",)).start()
        return result_of(future, time.monotonic() + PATIENT)

    assert outcome_of(wait) == "found"


def test_a_crash_leaves_the_loop_at_work(caplog):
    loop = EventLoop(1)
    loop.plan([(0, lambda: 1 / 0)])
    assert outcome_of(lambda: "at work", loop) == "at work"
    assert "A poll crashed" in caplog.text


def test_all_jobs_run_on_one_thread():
    loop = EventLoop(1)
    assert len({outcome_of(threading.get_ident, loop) for _ in range(3)}) == 1
