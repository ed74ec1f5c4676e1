"""Asks many sensors at the same time, each with its own deadline, spread over the slot.

One client and one set of threads per worker process, shared by all shards it holds. Threads are
started when there is work for them and then kept.
"""

import collections
import contextlib
import functools
import gc
import logging
import resource
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from cages.models.poll import Outcome
from cages.polling.results import PollResult, skipped
from cages.polling.sensor_client import SensorClient
from cages.slots import SLOT_LENGTH

logger = logging.getLogger(__name__)

# Enough for the calls of a poll, and small enough for thousands of threads.
STACK_BYTES = 256 * 1024
# Files that a worker process needs besides one socket for each thread.
OTHER_FILES = 100
# Waiting for a name server cannot be interrupted. After this a poll is given up.
GRACE_SECONDS = 2
# A shard can come before its slot if the clock was set back meanwhile, or if this machine's clock
# is behind. Its message would expire in a longer wait than this.
MOST_SECONDS_EARLY = 60
LOOK_UP_SECONDS = 0.5
TOO_LATE = "its minute was over"
# What a sensor that did not answer looks like.
SILENCE = (Outcome.TIMEOUT, Outcome.CONNECTION_ERROR)


class ThreadCrew:
    """Up to `most` threads, each waiting for its own next job.

    This costs half of a ThreadPoolExecutor. The thread that became idle last gets the next job:
    its stack is still in the processor's caches, and the others need not wake up.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._count = 0
        self._idle: list[_Member] = []
        self._waiting: collections.deque[Callable[[], object]] = collections.deque()

    def submit(self, job: Callable[[], object]) -> None:
        """Run the job on a thread as soon as one is free. Raises RuntimeError without any."""
        with self._lock:
            member = self._idle.pop() if self._idle else None
            if member is None and not (self._count < self.most and self._hire(job)):
                self._waiting.append(job)
        if member:
            member.job = job
            member.called.release()

    def _hire(self, job: Callable[[], object]) -> bool:
        previous = threading.stack_size(STACK_BYTES)
        try:
            member = _Member(self, job)
            threading.Thread(target=member.work, name="poll", daemon=True).start()
        except RuntimeError as error:
            if not self._count:
                raise
            logger.warning("%s; going on with %d polls at once", error, self._count)
            self.most = self._count
            return False
        finally:
            threading.stack_size(previous)
        self._count += 1
        return True

    def next_job(self, member: "_Member") -> Callable[[], object] | None:
        """Return the job that has waited longest, or None if the member must wait for one."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(member)
            return None


class _Member:
    """One thread of the crew, and how it is told of its next job."""

    def __init__(self, crew: ThreadCrew, job: Callable[[], object]) -> None:
        self.crew = crew
        self.job = job
        self.called = threading.Lock()
        self.called.acquire()

    def work(self) -> None:
        """Run one job after the other. Never returns."""
        while True:
            try:
                self.job()
            except Exception:
                logger.exception("A poll crashed")
            job = self.crew.next_job(self)
            if job is not None:
                self.job = job
            else:
                # The lock is a signal: `submit` sets the job and then releases the lock.
                self.called.acquire()


class Poller:
    """Polls the sensors behind one sensor API with threads that are kept.

    base_url: URL of the sensor API. concurrency: how many polls run at the same time.
    timeout_seconds: for one poll, until its answer is complete.
    """

    def __init__(self, base_url: str, concurrency: int, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        # Once it is set, no poll begins. A plain flag because a signal handler sets it.
        self.is_stopping = False
        concurrency = _affordable(concurrency)
        self._client = SensorClient(base_url, connections=concurrency)
        self._crew = ThreadCrew(concurrency)

    def poll(
        self,
        cage_ids: list[int],
        slot: datetime,
        begin_seconds: float = 0.0,
        spread_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> list[PollResult]:
        """Ask each cage once and return one result for each id, in the same order.

        The polls begin `begin_seconds` after the slot's start, evenly over `spread_seconds`. Those
        of a shard that comes late begin within half of the time that is left. A poll that could
        not begin before the end of the slot is skipped, so a shard that comes too late costs next
        to nothing. Once `is_stopping` is set, cages not yet asked are left out of the results:
        another process can still ask them. clock: gives the seconds of the wall clock.
        """
        shard = _Shard(slot, clock)
        if shard.seconds_until_slot > MOST_SECONDS_EARLY:
            return [skipped(i, "the clock of the poller's machine is behind") for i in cage_ids]
        if shard.is_over():
            return [skipped(cage_id, TOO_LATE) for cage_id in cage_ids]

        def ask(cage_id: int) -> None:
            result: PollResult | None
            if self.is_stopping:
                result = None
            elif shard.is_over():
                result = skipped(cage_id, TOO_LATE)
            else:
                result = self._ask(cage_id, shard)
            shard.note(cage_id, result)

        begin = shard.slot_start + begin_seconds
        if begin < (now := time.monotonic()):
            begin, spread_seconds = now, min(spread_seconds, (shard.slot_end - now) / 2)
        gap = spread_seconds / max(len(cage_ids), 1)
        submitted = 0
        for index, cage_id in enumerate(cage_ids):
            self._wait_until(begin + index * gap)
            if self.is_stopping:
                break
            self._crew.submit(functools.partial(ask, cage_id))
            submitted += 1
        latest = max(shard.slot_end, time.monotonic()) + self.timeout_seconds + GRACE_SECONDS
        found = shard.results_of(submitted, latest)
        for cage_id in set(cage_ids[:submitted]) - found.keys():
            latency_ms = round(self.timeout_seconds * 1000)
            found[cage_id] = PollResult(
                cage_id, Outcome.TIMEOUT, latency_ms, detail="the call could not be ended"
            )
        return [result for cage_id in cage_ids[:submitted] if (result := found[cage_id])]

    def _wait_until(self, moment: float) -> None:
        # A few polls together cost less than a sleep for each one, but many threads that wake up
        # together wait for Python's lock.
        while (left := moment - time.monotonic()) > 0.002 and not self.is_stopping:
            time.sleep(min(left, LOOK_UP_SECONDS))

    def _ask(self, cage_id: int, shard: "_Shard") -> PollResult:
        try:
            result = self._client.ask(cage_id, self.timeout_seconds)
        except Exception as error:
            # A mistake of our own is no failure of the sensor, but the ledger needs a result.
            logger.exception("Asking cage %d failed inside Neurocage", cage_id)
            return skipped(cage_id, f"Neurocage itself failed: {type(error).__name__}")
        late = self.timeout_seconds + GRACE_SECONDS
        if result.outcome in SILENCE and shard.seconds_over() > late:
            # The monotonic clock stands still while a machine sleeps.
            return skipped(cage_id, "the poller's machine slept, or its clock was set")
        return result


class _Shard:
    """The end of a shard's slot by both clocks, and the results of its polls so far."""

    def __init__(self, slot: datetime, clock: Callable[[], float]) -> None:
        self._clock = clock
        # The wall clock is read once for the slot. From here on the monotonic clock counts.
        self.seconds_until_slot = slot.timestamp() - clock()
        self.slot_start = time.monotonic() + self.seconds_until_slot
        self.slot_end = self.slot_start + SLOT_LENGTH.total_seconds()
        self._end = slot.timestamp() + SLOT_LENGTH.total_seconds()
        self._found: dict[int, PollResult | None] = {}
        self._wanted: int | None = None
        self._complete = threading.Event()

    def is_over(self) -> bool:
        """Whether the slot has ended by either clock."""
        # The wall clock goes on while a machine sleeps, and people may set it forward.
        return time.monotonic() >= self.slot_end or self._clock() >= self._end

    def seconds_over(self) -> float:
        """Return the seconds since the slot's end by the wall clock, negative before it."""
        return self._clock() - self._end

    def note(self, cage_id: int, result: PollResult | None) -> None:
        """Keep the result of a cage; None if it was not asked."""
        self._found[cage_id] = result
        if len(self._found) == self._wanted:
            self._complete.set()

    def results_of(self, count: int, latest: float) -> dict[int, PollResult | None]:
        """Return the results by cage id, as soon as there are `count`.

        At the moment `latest` of the monotonic clock, return those that are there.
        """
        self._wanted = count
        if len(self._found) < count:
            self._complete.wait(latest - time.monotonic())
        return dict(self._found)


def _affordable(concurrency: int) -> int:
    """Return how many polls at once this process may have sockets for; log if that is fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = concurrency + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return concurrency
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # the real limit of macOS is lower than the one it reports
        allowed = soft
    if allowed == needed:
        return concurrency
    fewer = max(allowed - OTHER_FILES, 1)
    logger.warning(
        "POLL_CONCURRENCY=%d needs %d open files, but this process may hold %d: %d polls at once.",
        concurrency, needed, allowed, fewer,
    )  # fmt: skip
    return fewer


@functools.cache
def _process_poller() -> Poller:
    # A poll leaves no cycles of objects. Looking for them took a fourteenth of the CPU time.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    # Each thread that waits for Python's lock wakes up after this interval to ask for it. With
    # thousands of threads and the usual 5 ms, asking takes all the CPU time of the machine. No
    # thread here keeps the lock for longer than the instructions of a poll take.
    sys.setswitchinterval(0.5)
    return Poller(settings.SENSOR_API_URL, settings.POLL_CONCURRENCY, settings.POLL_TIMEOUT_SECONDS)


_making = threading.Lock()


def poll(
    cage_ids: list[int], slot: datetime, begin_seconds: float = 0.0, spread_seconds: float = 0.0
) -> list[PollResult]:
    """Ask each cage once with the one poller of this worker process; see `Poller.poll`."""
    with _making:
        poller = _process_poller()
    return poller.poll(cage_ids, slot, begin_seconds, spread_seconds)


def stop_beginning() -> None:
    """Let this process finish the polls that have begun, and begin no other."""
    if _process_poller.cache_info().currsize:
        _process_poller().is_stopping = True


def ask_now(cage_id: int) -> PollResult:
    """Ask one sensor at once, for the "Test sensor" button. Nothing is recorded."""
    with contextlib.closing(SensorClient(settings.SENSOR_API_URL)) as client:
        return client.ask(cage_id, settings.POLL_TIMEOUT_SECONDS)
