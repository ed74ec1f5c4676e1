"""What groups of processes use: CPU seconds and memory."""

from collections import Counter

import psutil


class Usage:
    """What groups of processes use from now on. Memory: the largest sum of resident sets."""

    def __init__(self, groups):
        self.groups = {name: psutil.Process(child.pid) for name, child in groups.items()}
        self.peak_bytes = Counter()
        self.cpu_seconds = {name: -seconds for name, seconds in self._cpu().items()}

    def stop(self):
        for name, seconds in self._cpu().items():
            self.cpu_seconds[name] += seconds

    def sample(self):
        for name, processes in self._processes():
            resident = sum(_ask(process, lambda p: p.memory_info().rss) for process in processes)
            self.peak_bytes[name] = max(self.peak_bytes[name], resident)

    def _processes(self):
        for name, parent in self.groups.items():
            yield name, [parent, *parent.children(recursive=True)]

    def _cpu(self):
        # The times of children that ended already are with their parent.
        return {
            name: sum(_ask(process, lambda p: sum(p.cpu_times()[:4])) for process in found)
            for name, found in self._processes()
        }

    def show(self, polls):
        print(f"\n{'process':<12}{'CPU s':>8}{'CPU s per 1,000 polls':>24}{'peak MB':>10}")
        for name, seconds in self.cpu_seconds.items():
            per_thousand = seconds / max(polls, 1) * 1000
            megabytes = self.peak_bytes[name] / 1e6
            print(f"{name:<12}{seconds:>8.1f}{per_thousand:>24.2f}{megabytes:>10.0f}")
        ours = sum(seconds for name, seconds in self.cpu_seconds.items() if name != "sensor_api")
        print(f"{'Neurocage':<12}{ours:>8.1f}{ours / max(polls, 1) * 1000:>24.2f}")


def _ask(process, question):
    """The answer, or 0 for a process that has just ended."""
    try:
        return question(process)
    except psutil.NoSuchProcess:
        return 0
