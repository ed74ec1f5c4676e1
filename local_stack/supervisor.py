"""Keeps the stack's processes running, and stops them in order."""

import time
from collections import defaultdict, deque
from collections.abc import Callable

from local_stack.processes import Child, StackError, how_it_ended, stop_together, tail

# After this long without a death, the waits begin anew.
DEATHS_WITHIN_SECONDS = 300
LONGEST_BACK_OFF_SECONDS = 60
# The last lines of a log, shown when its process ends: they hold the reason, such as a bad setting.
SAID_LINES = 3
# For all stages together. A stage may also use the time that later ones do not need.
STOP_SECONDS = 13.5
STOP_SECONDS_PER_STAGE = 8
STOP_SECONDS_RESERVED = 2


class Supervisor:
    """Restarts a process that has ended, each time after a longer wait.

    It never gives up: a part that keeps dying must not take the others with it.

    say: prints one line to the person. now: seconds of a clock that only goes forward.
    """

    def __init__(
        self, say: Callable[[str], object], now: Callable[[], float] = time.monotonic
    ) -> None:
        self.say = say
        self.now = now
        self._stages: defaultdict[int, list[Child]] = defaultdict(list)
        self._deaths: defaultdict[str, deque[float]] = defaultdict(deque)
        self._restart_at: dict[str, float] = {}

    def watch(self, child: Child, stage: int) -> None:
        """Look after a started child from now on. The highest stage is stopped first."""
        self._stages[stage].append(child)

    def children(self) -> list[Child]:
        return [child for stage in self._stages.values() for child in stage]

    def check(self) -> None:
        """Note which children have ended, and restart those whose wait is over."""
        for child in self.children():
            if child.is_alive():
                continue
            if child.name not in self._restart_at:
                self._note_death(
                    child, how_it_ended(child.poll() or 0), tail(child.log, SAID_LINES)
                )
            elif self.now() >= self._restart_at[child.name]:
                del self._restart_at[child.name]
                try:
                    child.start()
                except (StackError, OSError) as error:
                    # Such as no memory, or no space for its log.
                    self._note_death(child, "it cannot be started", str(error))

    def deaths(self, child: Child) -> int:
        """How often it has ended lately."""
        return len(self._deaths[child.name])

    def _note_death(self, child: Child, how: str, why: str) -> None:
        now, deaths = self.now(), self._deaths[child.name]
        if deaths and deaths[-1] < now - DEATHS_WITHIN_SECONDS:
            deaths.clear()
        deaths.append(now)
        delay = min(LONGEST_BACK_OFF_SECONDS, 2.0 ** (len(deaths) - 2))
        self._restart_at[child.name] = now + delay
        self.say(
            f"{child.name} ended ({how}); starting it again in {delay:g} s. Its log: {child.log}"
            + "".join(f"\n  {line}" for line in why.splitlines())
        )

    def stop(self) -> None:
        """Stop one stage after another, the highest first, within STOP_SECONDS in total."""
        deadline = self.now() + STOP_SECONDS
        stages = sorted(self._stages, reverse=True)
        for position, stage in enumerate(stages):
            reserved = STOP_SECONDS_RESERVED * (len(stages) - position - 1)
            seconds = min(STOP_SECONDS_PER_STAGE, deadline - self.now() - reserved)
            killed = stop_together(self._stages[stage], max(seconds, 0.5))
            for name in killed:
                self.say(f"{name} did not stop within {seconds:.0f} s and was killed.")
        self._stages.clear()
