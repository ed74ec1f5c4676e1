"""Many jobs at the same time on one thread, for work that mostly waits for sockets.

A job is a greenlet: ordinary code that gives way while it waits. Thousands of them that wait need a
few megabytes. A thread for each needed ten times as much, and the CPU time of switching.
"""

import contextlib
import functools
import heapq
import itertools
import logging
import select
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

import greenlet

logger = logging.getLogger(__name__)

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# How late the loop sees at most that `is_hurried` was set, which wakes nobody.
LOOK_UP_SECONDS = 0.5
WAKE_BYTES = 4096

Result = TypeVar("Result")


def wait_for(sock: socket.socket, event: int, deadline: float) -> None:
    """Return as soon as the socket can be read or written. Raises TimeoutError at the deadline.

    event: READ or WRITE. deadline: seconds of time.monotonic(). Lets other jobs run meanwhile if it
    is called in a job, and blocks its thread if not.
    """
    job = greenlet.getcurrent()
    if isinstance(job, _Job):
        job.loop.wait_for_socket(job, sock, event, deadline)
        return
    watch = select.poll()
    watch.register(sock, select.POLLIN if event == READ else select.POLLOUT)
    if not watch.poll(max(deadline - time.monotonic(), 0) * 1000):
        raise TimeoutError


def result_of(future: Future[Result], deadline: float) -> Result:
    """Return the result of a future, or raise its exception. Raises TimeoutError at the deadline.

    Lets other jobs run meanwhile if it is called in a job, and blocks its thread if not.
    """
    job = greenlet.getcurrent()
    if isinstance(job, _Job) and not future.done():
        job.loop.wait_for_future(job, future, deadline)
    return future.result(max(deadline - time.monotonic(), 0))


class EventLoop:
    """Runs jobs on one thread of its own, at most `most` at the same time.

    The thread starts with the first job and never ends. All methods may be called by any thread.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        # Whether to begin all planned jobs at once, however many. A signal handler may set it.
        self.is_hurried = False
        self._running = 0
        self._numbers = itertools.count()
        # Heaps. A job that is due but has no place yet moves to `_due`.
        self._planned: list[tuple[float, int, Callable[[], object]]] = []
        self._due: deque[Callable[[], object]] = deque()
        self._deadlines: list[tuple[float, int]] = []
        # By the number of the wait; a number that is not here any more is over.
        self._waiting: dict[int, _Job] = {}
        # What other threads want done by the loop's thread.
        self._inbox: deque[Callable[[], object]] = deque()
        self._selector = selectors.DefaultSelector()
        # What is sent to `_wake` ends a wait of the selector.
        self._wake: socket.socket | None = None
        self._starting = threading.Lock()

    def plan(self, jobs: Iterable[tuple[float, Callable[[], object]]]) -> None:
        """Run each job at its moment, or as soon after it as there is a place.

        jobs: pairs of seconds of time.monotonic() and what to call. Raises RuntimeError if the
        machine gives no thread.
        """
        with self._starting:
            if self._wake is None:
                self._start()
        planned = [(moment, next(self._numbers), job) for moment, job in jobs]
        self._call_soon(functools.partial(self._note_planned, planned))

    def _note_planned(self, planned: list[tuple[float, int, Callable[[], object]]]) -> None:
        for entry in planned:
            heapq.heappush(self._planned, entry)

    def _start(self) -> None:
        awake, wake = socket.socketpair()
        for end in (awake, wake):
            end.setblocking(False)
        self._selector.register(awake, READ)
        threading.Thread(target=self._run, args=(awake,), name="polls", daemon=True).start()
        self._wake = wake

    def wait_for_socket(
        self, job: "_Job", sock: socket.socket, event: int, deadline: float
    ) -> None:
        """See the function `wait_for`. Called on the loop's thread, by the job."""
        number = next(self._numbers)
        self._selector.register(sock, event, number)
        try:
            self._give_way(job, number, deadline)
        finally:
            self._selector.unregister(sock)

    def wait_for_future(self, job: "_Job", future: Future[Any], deadline: float) -> None:
        """Return when the future is done. Called on the loop's thread, by the job."""
        number = next(self._numbers)
        # The callback is called by the thread that ends the future.
        future.add_done_callback(lambda _: self._call_soon(lambda: self._resume(number)))
        self._give_way(job, number, deadline)

    def _give_way(self, job: "_Job", number: int, deadline: float) -> None:
        self._waiting[number] = job
        heapq.heappush(self._deadlines, (deadline, number))
        if not self._main.switch():
            raise TimeoutError

    def _call_soon(self, call: Callable[[], object]) -> None:
        self._inbox.append(call)
        if self._wake:
            with contextlib.suppress(BlockingIOError):  # it has been woken often enough
                self._wake.send(b"\0")

    def _run(self, awake: socket.socket) -> None:
        self._main = greenlet.getcurrent()
        while True:
            try:
                self._run_once(awake)
            except Exception:
                # The results of thousands of polls depend on this thread.
                logger.exception("The event loop of the polls failed, and goes on")
                time.sleep(LOOK_UP_SECONDS)

    def _run_once(self, awake: socket.socket) -> None:
        while self._inbox:
            self._inbox.popleft()()
        now = time.monotonic()
        while self._planned and (self.is_hurried or self._planned[0][0] <= now):
            self._due.append(heapq.heappop(self._planned)[2])
        while self._due and (self.is_hurried or self._running < self.most):
            self._running += 1
            self._switch_to(_Job(self, self._due.popleft()), True)
        while self._deadlines and self._deadlines[0][0] <= now:
            self._resume(heapq.heappop(self._deadlines)[1], is_in_time=False)
        moments = [heap[0][0] for heap in (self._planned, self._deadlines) if heap]
        wait = min([LOOK_UP_SECONDS, *(moment - time.monotonic() for moment in moments)])
        for key, _ in self._selector.select(max(wait, 0)):
            if key.data is None:
                awake.recv(WAKE_BYTES)
            else:
                self._resume(key.data)

    def _resume(self, number: int, is_in_time: bool = True) -> None:
        if job := self._waiting.pop(number, None):
            self._switch_to(job, is_in_time)

    def _switch_to(self, job: "_Job", is_in_time: bool) -> None:
        try:
            job.switch(is_in_time)
        except Exception:
            logger.exception("A poll crashed")
        if job.dead:
            self._running -= 1


class _Job(greenlet.greenlet):
    """One job of a loop, with what it calls."""

    def __init__(self, loop: EventLoop, call: Callable[[], object]) -> None:
        super().__init__(lambda _: call())
        self.loop = loop
