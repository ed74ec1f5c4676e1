"""The hand-overs of welfare. Thin on purpose."""

from django.utils import timezone

from neurocage.celery import app
from welfare import desk
from welfare.notices import drill, grouping, sending, ways


@app.task
def judge_slot(slot: int) -> None:
    """Judge every cage, place and part after a cycle has finished. slot: seconds since 1970."""


@app.task
def send_notices() -> None:
    """Make the notices that are due and send the deliveries that are due."""
    desk.tidy(timezone.now())
    ways.judge_ways(timezone.now())
    drill.remind(timezone.now())
    grouping.make_notices(timezone.now())
    sending.send_due(timezone.now)
