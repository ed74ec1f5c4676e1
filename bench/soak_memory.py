"""The memory of the processes of a soak."""

import statistics
import time
from collections import defaultdict

import psutil

# Until then a process still loads what it needs.
WARM_SECONDS = 180
# A process that lives for less tells nothing of a slope.
LONG_ENOUGH_SECONDS = 480
# It may grow by so much in 10 minutes after that.
GROWTH_MB = 10


class Memory:
    """The memory of each process and its children, as (seconds since 1970, MB), by the first pid.

    It is the proportional set size, in which shared pages are divided among their users.
    """

    def __init__(self, installation):
        self.installation = installation
        self.samples = defaultdict(list)

    def sample_until(self, ended, every):
        """Sample every so many seconds until the threading.Event."""
        while not ended.wait(every):
            self._sample()

    def _sample(self):
        roots = {name: child.pid for name, child in list(self.installation.children.items())}
        for server in (self.installation.postgres, self.installation.valkey):
            if server.process is not None:
                roots[server.name] = server.process.pid
        for name, pid in roots.items():
            try:
                root = psutil.Process(pid)
                found = (root, *root.children(recursive=True))
                used = sum(each.memory_full_info().pss for each in found) / 1e6
            except (psutil.Error, TypeError):  # it has just ended, or has not begun
                continue
            self.samples[name, pid].append((time.time(), used))

    def lives(self):
        """Yield (name, minutes, MB once warm, MB at the end, growth in MB per 10 minutes).

        For each process the life that was the longest. The growth is None if it was short.
        """
        longest = {}
        for (name, _), samples in self.samples.items():
            if samples[-1][0] - samples[0][0] >= _length(longest.get(name)):
                longest[name] = samples
        for name, samples in sorted(longest.items()):
            warm = [s for s in samples if s[0] >= samples[0][0] + WARM_SECONDS]
            grown = None
            if _length(warm) >= LONG_ENOUGH_SECONDS - WARM_SECONDS:
                times, used = zip(*warm, strict=True)
                grown = 600 * statistics.linear_regression(times, used).slope
            first = (warm or samples)[0][1]
            yield name, _length(samples) / 60, first, samples[-1][1], grown

    def failures(self):
        # PostgreSQL touches more and more of its shared buffers until it has all of them.
        return [
            f"{name} grew by {grown:.1f} MB in 10 minutes"
            for name, _, _, _, grown in self.lives()
            if name != "postgres" and grown is not None and grown > GROWTH_MB
        ]


def _length(samples):
    return samples[-1][0] - samples[0][0] if samples else 0
