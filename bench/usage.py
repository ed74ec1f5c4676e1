"""CPU seconds and memory of groups of processes."""

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
        """Stop. `cpu_seconds`, `seconds` and `others_cpu_seconds` are final from now on."""
        for name, seconds in self._cpu().items():
            self.cpu_seconds[name] += seconds
        self.seconds = time.monotonic() - self._start
        # Other programs on the machine falsify the figures, so the report shows their CPU.
        all_of_it = _machine_seconds() - self._machine
        self.others_cpu_seconds = max(all_of_it - sum(self.cpu_seconds.values()), 0)

    def sample(self):
        """Note the memory if it is time to."""
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
        # This includes children that have ended, because PostgreSQL's backends come and go.
        return {
            name: sum(_ask(process, lambda p: sum(p.cpu_times()[:4])) for process in found)
            for name, found in self._processes()
        }


def memory(process):
    """Return (bytes, "PSS"), or (bytes, "RSS") if the system does not tell the former."""
    try:
        return process.memory_full_info().pss, "PSS"
    except (AttributeError, psutil.AccessDenied):
        return process.memory_info().rss, "RSS"


def _descendants(process):
    return process.children(recursive=True)


def _ask(process, question, otherwise=0):
    """Return the answer, or `otherwise` if the process has just ended."""
    try:
        return question(process)
    except psutil.NoSuchProcess:
        return otherwise


def _machine_seconds():
    times = psutil.cpu_times()
    return times.user + times.system + getattr(times, "irq", 0) + getattr(times, "softirq", 0)
