"""One simulated sensor per cage, for every cage id there could be."""

# ruff: noqa: S311  these draws simulate a sensor, they guard nothing

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from .config import Settings
from .connection import Connection
from .faults import FaultBook
from .health import HealthModel
from .misbehaviour import FAULTS
from .waiting import Waiting


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sensor:
    """What a call gets, and when.

    Health is a pure function of seed, cage and minute (see `health`). Latencies and failures are
    drawn from two streams that start anew from the seed with each process: their order is
    repeatable, but which call gets which draw is decided by the order in which calls come in, so
    with calls at the same time it is not.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], object] | None = None,
    ):
        self.settings = settings
        self.faults = FaultBook(settings.faults)
        self.waiting = Waiting(sleep)
        self._clock = clock
        self._model = HealthModel(settings)
        self._lock = threading.Lock()
        self._latencies = random.Random(f"latencies {settings.seed}")
        self._failures = random.Random(f"failures {settings.seed}")

    def call(self, cage_id: int, connection: Connection):
        """Answer one call, in the sensor's own time. Returns what a Flask view may."""
        fault = self.faults.of(cage_id)
        if fault is not None:
            return FAULTS[fault](self, cage_id, connection)
        self.wait_as_usual()
        return self.answer(cage_id)

    def wait_as_usual(self) -> None:
        low, high = self.settings.latency_min_seconds, self.settings.latency_max_seconds
        with self._lock:
            share = self._latencies.random()
        self.waiting.wait(low + (high - low) * share)

    def answer(self, cage_id: int):
        """The cage's health as of now, or in `failure_rate` of the calls a 503."""
        with self._lock:
            fails = self._failures.random() < self.settings.failure_rate
        if fails:
            return self.unavailable(cage_id)
        return {"cage_id": cage_id, "status": self.health(cage_id)}

    def unavailable(self, cage_id: int):
        return {"cage_id": cage_id, "status": "N/A"}, 503

    def health(self, cage_id: int) -> int:
        """1 Bad, 2 Ok or 3 Perfect, now."""
        return self._model.at(cage_id, self._clock())

    def stop(self) -> None:
        """Let go of every waiting call: the usual ones answer early, the hanging ones are cut."""
        self.waiting.stop()
