"""Keeps the stack's processes running, and stops them in order."""

import contextlib
import time
from collections import defaultdict, deque

from local_stack.processes import StackError, how_it_ended, stop_together, tail

DEATHS_ALLOWED = 5
DEATHS_WITHIN_SECONDS = 60
LONGEST_BACK_OFF_SECONDS = 8
# All stages together; a stage may use what the ones after it do not need.
STOP_SECONDS = 13.5
STOP_SECONDS_PER_STAGE = 8
STOP_SECONDS_RESERVED = 2


class Supervisor:
    """Restarts what dies, with back-off, and gives up when one dies too often.

    say: prints one line to the person.
    """

    def __init__(self, say, now=time.monotonic):
        self.say = say
        self.now = now
        self._stages = defaultdict(list)
        self._deaths = defaultdict(deque)
        self._restart_at = {}

    def watch(self, child, stage):
        """Look after a started child from now on. The highest stage is stopped first."""
        self._stages[stage].append(child)

    def children(self):
        return [child for stage in self._stages.values() for child in stage]

    def check(self):
        """Start again what died and whose time has come.

        Raises StackError, naming the child, when one died more than 5 times within a minute.
        """
        for child in self.children():
            if child.is_alive():
                continue
            if child.name not in self._restart_at:
                self._note_death(child)
            elif self.now() >= self._restart_at[child.name]:
                del self._restart_at[child.name]
                child.start()

    def _note_death(self, child):
        now, deaths = self.now(), self._deaths[child.name]
        deaths.append(now)
        while deaths[0] < now - DEATHS_WITHIN_SECONDS:
            deaths.popleft()
        how = how_it_ended(child.poll())
        if len(deaths) > DEATHS_ALLOWED:
            raise StackError(
                f"{child.name} ended {len(deaths)} times within a minute (the last time: {how}), "
                f"so everything stops. The end of {child.log}:\n{tail(child.log)}"
            )
        delay = min(LONGEST_BACK_OFF_SECONDS, 2 ** (len(deaths) - 2))
        self._restart_at[child.name] = now + delay
        self.say(
            f"{child.name} ended ({how}); starting it again in {delay:g} s. Its log: {child.log}"
        )

    def stop(self):
        """Stop all stages, the highest first, each at once; within STOP_SECONDS in total."""
        deadline = self.now() + STOP_SECONDS
        stages = sorted(self._stages, reverse=True)
        for position, stage in enumerate(stages):
            reserved = STOP_SECONDS_RESERVED * (len(stages) - position - 1)
            seconds = min(STOP_SECONDS_PER_STAGE, deadline - self.now() - reserved)
            killed = stop_together(self._stages[stage], max(seconds, 0.5))
            for name in killed:
                self.say(f"{name} did not stop within {seconds:.0f} s and was killed.")
        self._stages.clear()

    @contextlib.contextmanager
    def running(self):
        """Whatever happens inside, everything is stopped at the end."""
        try:
            yield self
        finally:
            self.stop()
