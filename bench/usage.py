"""CPU seconds and memory of groups of processes."""

import itertools
import time
from collections import Counter

import psutil

# Reading the memory of a large process takes CPU itself.
MEMORY_EVERY_SECONDS = 10


class Usage:
    """Measure groups of processes from now on.

    groups: {name: [Child, ...]}. Children of a process belong to it.

    Memory is the proportional set size, in which shared pages are divided among their users. If the
    system does not tell it, memory is the resident set size, in which shared pages count for each
    user.
    """

    def __init__(self, groups):
        self.groups = {
            name: [psutil.Process(c.pid) for c in group] for name, group in groups.items()
        }
        self.peak_bytes = Counter()
        self.memory_kind = "PSS"
        self._next_sample = time.monotonic()
        self._start = time.monotonic()
        self._machine = _machine_seconds()
        self.cpu_seconds = {name: -seconds for name, seconds in self._cpu().items()}

    def stop(self):
        """Stop measuring, and return what was used since the beginning."""
        for name, seconds in self._cpu().items():
            self.cpu_seconds[name] += seconds
        others = _machine_seconds() - self._machine - sum(self.cpu_seconds.values())
        return {
            "cpu_seconds": self.cpu_seconds,
            # Other programs on the machine falsify the figures, so the report shows their CPU.
            "others_cpu_seconds": max(others, 0),
            "measured_seconds": time.monotonic() - self._start,
            "peak_bytes": dict(self.peak_bytes),
            "memory_kind": self.memory_kind,
        }

    def sample(self):
        """Note the memory if it is time to."""
        if time.monotonic() < self._next_sample:
            return
        self._next_sample = time.monotonic() + MEMORY_EVERY_SECONDS
        total = 0
        for name, processes in self._processes():
            used = sum(_ask(process, self._memory, 0) for process in processes)
            self.peak_bytes[name] = max(self.peak_bytes[name], used)
            if name != "sensors":
                total += used
        self.peak_bytes["total"] = max(self.peak_bytes["total"], total)

    def _memory(self, process):
        try:
            return process.memory_full_info().pss
        except (AttributeError, psutil.AccessDenied):
            self.memory_kind = "RSS"
            return process.memory_info().rss

    def _processes(self):
        for name, parents in self.groups.items():
            below = (_ask(p, lambda parent: parent.children(recursive=True), []) for p in parents)
            yield name, [*parents, *itertools.chain.from_iterable(below)]

    def _cpu(self):
        # This includes children that have ended, because PostgreSQL's backends come and go.
        return {
            name: sum(_ask(process, lambda p: sum(p.cpu_times()[:4]), 0) for process in found)
            for name, found in self._processes()
        }


def cpu_seconds(*processes):
    """User and system time of these processes until now, without their children."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _ask(process, question, otherwise):
    """Return the answer, or `otherwise` if the process has just ended."""
    try:
        return question(process)
    except psutil.NoSuchProcess:
        return otherwise


def _machine_seconds():
    times = psutil.cpu_times()
    return times.user + times.system + getattr(times, "irq", 0) + getattr(times, "softirq", 0)
