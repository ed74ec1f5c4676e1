"""Asks many sensors at the same time, each with its own deadline, spread over the slot.

One client and one event loop per worker process, shared by all shards it holds.
"""

import contextlib
import functools
import gc
import logging
import resource
import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from cages.models.poll import Outcome
from cages.polling.event_loop import EventLoop
from cages.polling.results import PollResult, skipped
from cages.polling.sensor_client import SensorClient
from cages.slots import SLOT_LENGTH

logger = logging.getLogger(__name__)

# Files that a worker process needs besides one socket for each poll.
OTHER_FILES = 100
# What the last polls of a shard may take in addition to their timeout on a busy machine.
GRACE_SECONDS = 10
# A shard can come before its slot if the clock was set back meanwhile, or if this machine's clock
# is behind. Its message would expire in a longer wait than this.
MOST_SECONDS_EARLY = 60
TOO_LATE = "its minute was over"
# What a sensor that did not answer looks like.
SILENCE = (Outcome.TIMEOUT, Outcome.CONNECTION_ERROR)


class Poller:
    """Polls the sensors behind one sensor API, all on one thread.

    base_url: URL of the sensor API. concurrency: how many polls run at the same time.
    timeout_seconds: for one poll, until its answer is complete.
    """

    def __init__(self, base_url: str, concurrency: int, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        concurrency = _affordable(concurrency)
        self._client = SensorClient(base_url, connections=concurrency)
        self._loop = EventLoop(concurrency)

    @property
    def is_stopping(self) -> bool:
        """Whether no further poll begins."""
        return self._loop.is_hurried

    def stop_beginning(self) -> None:
        """Finish the polls that have begun and begin no other. A signal handler may call it."""
        # What is planned comes to its turn now, and finds that it must not begin.
        self._loop.is_hurried = True

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
        to nothing. After `stop_beginning`, cages not yet asked are left out of the results:
        another process can still ask them. clock: gives the seconds of the wall clock.
        """
        shard = _Shard(slot, clock, len(cage_ids))
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
        self._loop.plan(
            (begin + index * gap, functools.partial(ask, cage_id))
            for index, cage_id in enumerate(cage_ids)
        )
        latest = max(shard.slot_end, time.monotonic()) + self.timeout_seconds + GRACE_SECONDS
        found = shard.results_by(latest)
        for cage_id in set(cage_ids) - found.keys():
            found[cage_id] = skipped(cage_id, "Neurocage itself did not end the poll")
        return [result for cage_id in cage_ids if (result := found[cage_id])]

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

    def __init__(self, slot: datetime, clock: Callable[[], float], count: int) -> None:
        self._clock = clock
        # The wall clock is read once for the slot. From here on the monotonic clock counts.
        self.seconds_until_slot = slot.timestamp() - clock()
        self.slot_start = time.monotonic() + self.seconds_until_slot
        self.slot_end = self.slot_start + SLOT_LENGTH.total_seconds()
        self._end = slot.timestamp() + SLOT_LENGTH.total_seconds()
        self._found: dict[int, PollResult | None] = {}
        self._count = count
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
        if len(self._found) == self._count:
            self._complete.set()

    def results_by(self, latest: float) -> dict[int, PollResult | None]:
        """Return the results by cage id, as soon as there is one for each cage.

        At the moment `latest` of the monotonic clock, return those that are there.
        """
        if self._count:
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
        _process_poller().stop_beginning()


def ask_now(cage_id: int) -> PollResult:
    """Ask one sensor at once, for the "Test sensor" button. Nothing is recorded."""
    with contextlib.closing(SensorClient(settings.SENSOR_API_URL)) as client:
        return client.ask(cage_id, settings.POLL_TIMEOUT_SECONDS)
