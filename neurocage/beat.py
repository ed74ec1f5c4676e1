"""The scheduler of Celery beat, corrected where the clock is set back."""

from typing import Any

from celery import beat


class Scheduler(beat.Scheduler):
    """A scheduler that goes on when the clock is set back.

    Celery 5.7.0 reckons the next run from the last one. If that was noted while the clock was
    ahead, nothing would be sent until the clock shows that time again.
    """

    def tick(self, *args: Any, **kwargs: Any) -> float:
        was_set_back = False
        for entry in self.schedule.values():
            now = entry.default_now()
            if entry.last_run_at and entry.last_run_at > now:
                entry.last_run_at = now
                was_set_back = True
        if was_set_back:
            self.populate_heap()
        seconds: float = super().tick(*args, **kwargs)
        return seconds
