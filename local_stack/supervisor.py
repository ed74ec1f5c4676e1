"""Keeps the stack's processes running, and stops them in order."""

import time
from collections import defaultdict, deque
from collections.abc import Callable

from local_stack.processes import Child, StackError, how_it_ended, stop_together, tail

DEATHS_ALLOWED = 5
DEATHS_WITHIN_SECONDS = 60
LONGEST_BACK_OFF_SECONDS = 8
# For all stages together. A stage may also use the time that later ones do not need.
STOP_SECONDS = 13.5
STOP_SECONDS_PER_STAGE = 8
STOP_SECONDS_RESERVED = 2


class Supervisor:
    """Restarts a process that has ended, each time after a longer wait, and gives up in the end.

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
        """Note which children have ended, and restart those whose wait is over.

        Raises StackError, which names the child, when one has ended more than DEATHS_ALLOWED times
        within DEATHS_WITHIN_SECONDS.
        """
        for child in self.children():
            if child.is_alive():
                continue
            if child.name not in self._restart_at:
                self._note_death(child)
            elif self.now() >= self._restart_at[child.name]:
                del self._restart_at[child.name]
                child.start()

    def _note_death(self, child: Child) -> None:
        now, deaths = self.now(), self._deaths[child.name]
        deaths.append(now)
        while deaths[0] < now - DEATHS_WITHIN_SECONDS:
            deaths.popleft()
        how = how_it_ended(child.poll() or 0)
        if len(deaths) > DEATHS_ALLOWED:
            raise StackError(
                f"{child.name} ended {len(deaths)} times within {DEATHS_WITHIN_SECONDS} s (the "
                f"last time: {how}), so everything stops. "
                f"The end of {child.log}:\n{tail(child.log)}"
            )
        delay = min(LONGEST_BACK_OFF_SECONDS, 2.0 ** (len(deaths) - 2))
        self._restart_at[child.name] = now + delay
        self.say(
            f"{child.name} ended ({how}); starting it again in {delay:g} s. Its log: {child.log}"
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
