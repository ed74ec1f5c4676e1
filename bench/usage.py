"""What groups of processes use: CPU seconds and memory."""

import time
from collections import Counter

import psutil

# Reading the pages of a large process costs the machine CPU that it is measured by.
MEMORY_EVERY_SECONDS = 10


class Usage:
    """What groups of processes use from now on.

    groups: {name: [Child, ...]}; what a child starts belongs to it. Memory is the proportional set
    size (shared pages divided among those who share them) where the system tells it, else the
    resident set, which counts shared pages once for each.
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
        """From now on `cpu_seconds`, `seconds` and `others_cpu_seconds` hold."""
        for name, seconds in self._cpu().items():
            self.cpu_seconds[name] += seconds
        self.seconds = time.monotonic() - self._start
        # Who else used this machine: whoever reads the figures has to know.
        all_of_it = _machine_seconds() - self._machine
        self.others_cpu_seconds = max(all_of_it - sum(self.cpu_seconds.values()), 0)

    def sample(self):
        """Note the memory, if it is time to."""
        if time.monotonic() < self._next_sample:
            return
        self._next_sample = time.monotonic() + MEMORY_EVERY_SECONDS
        total = 0
        for name, processes in self._processes():
            used = sum(_ask(process, self._memory) for process in processes)
            self.peak_bytes[name] = max(self.peak_bytes[name], used)
            if name != "sensors":
                total += used
        self.peak_bytes["total"] = max(self.peak_bytes["total"], total)

    def _memory(self, process):
        used, kind = memory(process)
        if kind != "PSS":
            self.memory_kind = kind
        return used

    def _processes(self):
        for name, parents in self.groups.items():
            yield (
                name,
                [
                    process
                    for parent in parents
                    for process in (parent, *_ask(parent, _descendants, []))
                ],
            )

    def _cpu(self):
        # With the times of children that have ended, which are told with their parent's: backends
        # of PostgreSQL come and go.
        return {
            name: sum(_ask(process, lambda p: sum(p.cpu_times()[:4])) for process in found)
            for name, found in self._processes()
        }


def memory(process):
    """(bytes, "PSS"), or (bytes, "RSS") where the system does not tell the former."""
    try:
        return process.memory_full_info().pss, "PSS"
    except (AttributeError, psutil.AccessDenied):
        return process.memory_info().rss, "RSS"


def _descendants(process):
    return process.children(recursive=True)


def _ask(process, question, otherwise=0):
    """The answer, or `otherwise` for a process that has just ended."""
    try:
        return question(process)
    except psutil.NoSuchProcess:
        return otherwise


def _machine_seconds():
    times = psutil.cpu_times()
    return times.user + times.system + getattr(times, "irq", 0) + getattr(times, "softirq", 0)
