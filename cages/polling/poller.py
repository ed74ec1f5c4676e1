"""Asks many sensors at the same time, each with its own deadline, spread over the slot.

One client and one set of threads per worker process, shared by all shards it holds. Threads are
started when there is work for them and then kept.
"""

import functools
import logging
import queue
import resource
import threading
import time

from django.conf import settings

from cages.models.sensor_request import Outcome
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


class ThreadCrew:
    """Plain threads on one queue: half the cost of a ThreadPoolExecutor's futures."""

    def __init__(self, most):
        self.most = most
        self._jobs = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._count = 0

    def submit(self, job):
        """Run the callable on a thread, as soon as one is free."""
        if not self._idle.acquire(blocking=False):
            self._hire()
        self._jobs.put(job)

    def _hire(self):
        with self._lock:
            if self._count >= self.most:
                return
            previous = threading.stack_size(STACK_BYTES)
            try:
                threading.Thread(target=self._work, name="poll", daemon=True).start()
                self._count += 1
            except RuntimeError as error:
                if not self._count:
                    raise
                logger.warning("%s; going on with %d polls at once", error, self._count)
                self.most = self._count
            finally:
                threading.stack_size(previous)

    def _work(self):
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:
                logger.exception("A poll crashed")
            self._idle.release()


class Poller:
    """base_url: of the sensor API. concurrency: polls under way at once in this process."""

    def __init__(self, base_url, concurrency, timeout_seconds):
        self.timeout_seconds = timeout_seconds
        concurrency = _affordable(concurrency)
        self._client = SensorClient(base_url, connections=concurrency)
        self._crew = ThreadCrew(concurrency)

    def poll(self, cage_ids, slot, begin_seconds=0.0, spread_seconds=0.0, clock=time.time):
        """Ask each cage once; one `PollResult` for each id, in their order.

        The polls begin `begin_seconds` into the slot, evenly over `spread_seconds`. A poll that
        could not begin before the slot's end is skipped, so a late shard costs next to nothing.
        """
        # The wall clock is read once; from here on the monotonic one counts.
        slot_start = time.monotonic() - (clock() - slot.timestamp())
        slot_end = slot_start + SLOT_LENGTH.total_seconds()
        found = {}
        done = threading.Event()

        def ask(cage_id):
            if time.monotonic() >= slot_end:
                result = skipped(cage_id, "its minute was over")
            else:
                result = self._ask(cage_id)
            found[cage_id] = result
            if len(found) == len(cage_ids):
                done.set()

        gap = spread_seconds / max(len(cage_ids), 1)
        for index, cage_id in enumerate(cage_ids):
            wait = slot_start + begin_seconds + index * gap - time.monotonic()
            # Sleeping for each of thousands of polls costs more than a little bunching.
            if wait > 0.02:
                time.sleep(min(wait, SLOT_LENGTH.total_seconds()))
            self._crew.submit(functools.partial(ask, cage_id))
        if cage_ids:
            latest = max(slot_end, time.monotonic()) + self.timeout_seconds + GRACE_SECONDS
            done.wait(latest - time.monotonic())
        return [found.get(cage_id) or self._given_up(cage_id) for cage_id in cage_ids]

    def _ask(self, cage_id):
        try:
            return self._client.ask(cage_id, self.timeout_seconds)
        except Exception as error:
            # Our own mistake must neither be blamed on the sensor nor leave a hole in the ledger.
            logger.exception("Asking cage %d failed inside Neurocage", cage_id)
            return skipped(cage_id, f"Neurocage itself failed: {type(error).__name__}")

    def _given_up(self, cage_id):
        latency_ms = round(self.timeout_seconds * 1000)
        return PollResult(
            cage_id, Outcome.TIMEOUT, latency_ms, detail="the call could not be ended"
        )


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
    return Poller(settings.SENSOR_API_URL, settings.POLL_CONCURRENCY, settings.POLL_TIMEOUT_SECONDS)


_making = threading.Lock()


def poll(cage_ids, slot, begin_seconds=0.0, spread_seconds=0.0):
    """`Poller.poll` with the one poller of this worker process."""
    with _making:
        poller = _process_poller()
    return poller.poll(cage_ids, slot, begin_seconds, spread_seconds)


def ask_now(cage_id):
    """Ask one sensor at once, outside any slot, and keep nothing: the "Test sensor" button."""
    client = SensorClient(settings.SENSOR_API_URL)
    return client.ask(cage_id, settings.POLL_TIMEOUT_SECONDS)
