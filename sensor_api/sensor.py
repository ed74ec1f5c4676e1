"""The simulated sensors: one for every possible cage id."""

# ruff: noqa: S311  these draws simulate a sensor, they guard nothing

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from flask.typing import ResponseReturnValue

from .config import Settings
from .connection import Connection
from .faults import FaultBook
from .health import HealthModel
from .misbehaviour import FAULTS, OF_OWN_PACE
from .waiting import Waiting


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sensor:
    """Answers calls for any cage, each after a random latency, some of them with a 503.

    Health is a pure function of seed, cage and minute (see `health`). Latencies and failures come
    from two random streams that start from the seed in each process. Calls take the next number of
    a stream in the order in which they arrive, so one after the other they can be repeated exactly,
    but calls at the same time cannot.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.settings = settings
        self.faults = FaultBook(settings.faults)
        self.waiting = Waiting(sleep)
        self._clock = clock
        self._model = HealthModel(settings)
        self._lock = threading.Lock()
        self._latencies = random.Random(f"latencies {settings.seed}")
        self._failures = random.Random(f"failures {settings.seed}")

    def call(self, cage_id: int, connection: Connection) -> ResponseReturnValue:
        """Answer one call, after its latency."""
        fault = self.faults.of(cage_id)
        if fault not in OF_OWN_PACE:
            low, high = self.settings.latency_min_seconds, self.settings.latency_max_seconds
            with self._lock:
                share = self._latencies.random()
            self.waiting.wait(low + (high - low) * share)
        return FAULTS[fault](self, cage_id, connection) if fault else self.answer(cage_id)

    def answer(self, cage_id: int) -> ResponseReturnValue:
        """The cage's health now; a share `failure_rate` of the calls gets a 503 instead."""
        with self._lock:
            fails = self._failures.random() < self.settings.failure_rate
        if fails:
            return self.unavailable(cage_id)
        return {"cage_id": cage_id, "status": self.health(cage_id)}

    def unavailable(self, cage_id: int) -> ResponseReturnValue:
        """A 503, as of a sensor that has no health to tell."""
        return {"cage_id": cage_id, "status": "N/A"}, 503

    def health(self, cage_id: int) -> int:
        """The cage's health now: 1 Bad, 2 Ok or 3 Perfect."""
        return self._model.at(cage_id, self._clock())

    def stop(self) -> None:
        """End all waiting: calls with a latency are answered early, hanging ones are cut."""
        self.waiting.stop()
