"""The hand-overs of welfare. Thin on purpose."""

from neurocage.celery import app


@app.task
def judge_slot(slot: int) -> None:
    """Judge every cage, place and part after a cycle has finished. slot: seconds since 1970."""


@app.task
def send_notices() -> None:
    """Make the notices that are due and send the deliveries that are due."""
