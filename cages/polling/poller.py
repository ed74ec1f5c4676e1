"""Asks many sensors at the same time, each with its own deadline, spread over the slot.

One client and one set of threads per worker process, shared by all shards it holds. Threads are
started when there is work for them and then kept.
"""

import collections
import functools
import gc
import logging
import resource
import sys
import threading
import time

from django.conf import settings

from cages.models.poll import Outcome
from cages.polling.results import PollResult, skipped
from cages.polling.sensor_client import SensorClient
from cages.slots import SLOT_LENGTH

logger = logging.getLogger(__name__)

# Deep enough for requests and urllib3, small enough for thousands.
STACK_BYTES = 256 * 1024
# Files that a worker process needs beside one socket a thread.
OTHER_FILES = 100
# A name server that does not answer cannot be interrupted; beyond this a poll is given up.
GRACE_SECONDS = 2
# A shard can come before its slot where the clock was set back meanwhile, or where this machine's
# clock is behind. Waiting longer than this would outlast the message.
MOST_SECONDS_EARLY = 60
LOOK_UP_SECONDS = 0.5
TOO_LATE = "its minute was over"
# What a sensor that did not answer looks like.
SILENCE = (Outcome.TIMEOUT, Outcome.CONNECTION_ERROR)


class ThreadCrew:
    """Plain threads, each waiting for its own next job: half the cost of a ThreadPoolExecutor.

    The thread that became idle last is the next to work: its stack is still in the caches, and
    the others sleep on.
    """

    def __init__(self, most):
        self.most = most
        self._lock = threading.Lock()
        self._count = 0
        self._idle = []
        self._waiting = collections.deque()

    def submit(self, job):
        """Run the callable on a thread, as soon as one is free."""
        with self._lock:
            member = self._idle.pop() if self._idle else None
            if member is None and not (self._count < self.most and self._hire(job)):
                self._waiting.append(job)
        if member:
            member.job = job
            member.called.release()

    def _hire(self, job):
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

    def next_job(self, member):
        """The job that has waited longest; None where the member is to wait for a call."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(member)
            return None


class _Member:
    """What one thread of the crew does, and where it is called to its next job."""

    def __init__(self, crew, job):
        self.crew = crew
        self.job = job
        self.called = threading.Lock()
        self.called.acquire()

    def work(self):
        job = self.job
        while True:
            try:
                job()
            except Exception:
                logger.exception("A poll crashed")
            job = self.crew.next_job(self)
            if job is None:
                # The lock as a signal: whoever submits a job leaves it here and releases this.
                self.called.acquire()
                job = self.job


class Poller:
    """base_url: of the sensor API. concurrency: polls under way at once in this process."""

    def __init__(self, base_url, concurrency, timeout_seconds):
        self.timeout_seconds = timeout_seconds
        # A plain flag, as it is set by a signal handler: no poll begins any more.
        self.is_stopping = False
        concurrency = _affordable(concurrency)
        self._client = SensorClient(base_url, connections=concurrency)
        self._crew = ThreadCrew(concurrency)

    def poll(self, cage_ids, slot, begin_seconds=0.0, spread_seconds=0.0, clock=time.time):
        """Ask each cage once; one `PollResult` for each id, in their order.

        The polls begin `begin_seconds` into the slot, evenly over `spread_seconds`; those of a
        shard that comes late, over half of what is left. A poll that could not begin before the
        slot's end is skipped, so a shard that comes too late costs next to nothing. Once
        `is_stopping` is set, what has not begun is left out of the results: somebody else can
        still do it.
        """
        shard = _Shard(slot, clock)
        if shard.seconds_until_slot > MOST_SECONDS_EARLY:
            return [skipped(i, "the clock of the poller's machine is behind") for i in cage_ids]
        if shard.is_over():
            return [skipped(cage_id, TOO_LATE) for cage_id in cage_ids]

        def ask(cage_id):
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
        results = (
            found[cage_id] if cage_id in found else self._given_up(cage_id)
            for cage_id in cage_ids[:submitted]
        )
        return [result for result in results if result]

    def _wait_until(self, moment):
        # Bunching polls a little costs less than a sleep for each of thousands, but threads woken
        # in a bunch fight for Python's lock.
        while (left := moment - time.monotonic()) > 0.002 and not self.is_stopping:
            time.sleep(min(left, LOOK_UP_SECONDS))

    def _ask(self, cage_id, shard):
        try:
            result = self._client.ask(cage_id, self.timeout_seconds)
        except Exception as error:
            # Our own mistake must neither be blamed on the sensor nor leave a hole in the ledger.
            logger.exception("Asking cage %d failed inside Neurocage", cage_id)
            return skipped(cage_id, f"Neurocage itself failed: {type(error).__name__}")
        if (
            result.outcome in SILENCE
            and shard.seconds_over() > self.timeout_seconds + GRACE_SECONDS
        ):
            # The monotonic clock stands still while a machine sleeps.
            return skipped(cage_id, "the poller's machine slept, or its clock was set")
        return result

    def _given_up(self, cage_id):
        latency_ms = round(self.timeout_seconds * 1000)
        return PollResult(
            cage_id, Outcome.TIMEOUT, latency_ms, detail="the call could not be ended"
        )


class _Shard:
    """When a shard's slot is over, by both clocks, and what is known of its polls."""

    def __init__(self, slot, clock):
        self._clock = clock
        # The wall clock fixes the slot once; from here on the monotonic one counts.
        self.seconds_until_slot = slot.timestamp() - clock()
        self.slot_start = time.monotonic() + self.seconds_until_slot
        self.slot_end = self.slot_start + SLOT_LENGTH.total_seconds()
        self._end = slot.timestamp() + SLOT_LENGTH.total_seconds()
        self._found = {}
        self._wanted = None
        self._complete = threading.Event()

    def is_over(self):
        # The wall clock too: it goes on while a machine sleeps, and people may set it forward.
        return time.monotonic() >= self.slot_end or self._clock() >= self._end

    def seconds_over(self):
        """How long the slot has been over by the wall clock; negative while it is not."""
        return self._clock() - self._end

    def note(self, cage_id, result):
        self._found[cage_id] = result
        if len(self._found) == self._wanted:
            self._complete.set()

    def results_of(self, count, latest):
        """{cage id: result, None where not begun}, once there are so many, or at that moment."""
        self._wanted = count
        if len(self._found) < count:
            self._complete.wait(latest - time.monotonic())
        return dict(self._found)


def _affordable(concurrency):
    """As many polls at once as this process may hold files open; says so where that is fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = concurrency + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return concurrency
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # macOS has a lower limit than the one it tells
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
def _process_poller():
    # A poll leaves no rings of objects behind, so looking for them is waste, a fourteenth of all.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    # Each thread that waits for Python's lock wakes up so often to ask for it. With thousands and
    # the usual 5 ms a burst never ends: they use up the machine by asking. No thread here keeps
    # the lock for longer than a poll's instructions take, so none needs to be asked.
    sys.setswitchinterval(0.5)
    return Poller(settings.SENSOR_API_URL, settings.POLL_CONCURRENCY, settings.POLL_TIMEOUT_SECONDS)


_making = threading.Lock()


def poll(cage_ids, slot, begin_seconds=0.0, spread_seconds=0.0):
    """`Poller.poll` with the one poller of this worker process."""
    with _making:
        poller = _process_poller()
    return poller.poll(cage_ids, slot, begin_seconds, spread_seconds)


def stop_beginning():
    """Let this process finish the polls under way, and begin no other."""
    if _process_poller.cache_info().currsize:
        _process_poller().is_stopping = True


def ask_now(cage_id):
    """Ask one sensor at once, outside any slot, and keep nothing: the "Test sensor" button."""
    client = SensorClient(settings.SENSOR_API_URL)
    return client.ask(cage_id, settings.POLL_TIMEOUT_SECONDS)
