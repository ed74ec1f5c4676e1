"""The hand-overs of welfare. Thin on purpose."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from celery.exceptions import Reject
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone

from cages.models import PollCycle
from cages.polling.patience import Patience, Stopping
from neurocage.celery import app
from welfare import desk, judge, late, parts, pieces
from welfare.night import making
from welfare.notices import drill, forgetting, grouping, heartbeat, sending, ways

logger = logging.getLogger(__name__)

judging = Patience("concerns are judged")
_BEGAN = time.monotonic()


@app.task
def judge_slot(slot: int) -> None:
    """Judge every cage and place after a cycle has finished. slot: seconds since 1970."""
    _try(lambda: judge.judge(_unpack(slot), timezone.now()))


@app.task
def judge_unjudged() -> None:
    """Judge what a lost message left out: the newest finished cycles, in their order."""

    def work() -> None:
        for slot in judge.unjudged(timezone.now()):
            judge.judge(slot, timezone.now())

    _try(work)


@app.task
def judge_again(slot: int, cage_ids: list[int]) -> None:
    """Judge these cages from the slot on, because results arrived late."""

    def work() -> None:
        with transaction.atomic():
            pieces.gate()
            late.judge_again(_unpack(slot), cage_ids, timezone.now())

    try:
        judging.wait_out(work)
    except Stopping as error:
        raise Reject("this worker stops", requeue=True) from error


@app.task
def judge_sensors() -> None:
    """Judge how the sensors do, once an hour."""
    _try(lambda: parts.judge_sensors(timezone.now()))


@app.task
def check_itself() -> None:
    """Judge Neurocage itself, each minute: it may be that no cycle finishes."""
    looked_for = timedelta(seconds=time.monotonic() - _BEGAN)
    _try(lambda: parts.check_itself(timezone.now(), looked_for))


@app.task
def call_heartbeat(slot: int) -> None:
    """Tell the outside service that a cycle is full. slot: seconds since 1970."""
    if not settings.HEARTBEAT_URL:
        return
    cycle = PollCycle.objects.filter(slot=_unpack(slot)).exclude(finished_at=None).first()
    # One that was closed without asking anybody is no sign of life.
    if cycle and (cycle.asked or not cycle.planned):
        heartbeat.beat(settings.HEARTBEAT_URL)


@app.task
def send_notices() -> None:
    """Make the notices that are due and send the deliveries that are due."""

    def make() -> None:
        # One moment for all: an acknowledgement that ends now has ended for all of them.
        now = timezone.now()
        desk.tidy(now)
        ways.judge_ways(now)
        drill.remind(now)
        grouping.make_notices(now)

    try:
        _try(make)
    finally:
        # What is made already goes out, even if something is wrong with what comes next.
        _try(lambda: sending.send_due(timezone.now, judging.stop))


@app.task
def make_night_sheets() -> None:
    """Make the night sheets that are due, each minute. Usually none is."""
    _try(lambda: making.make_due(timezone.now()))


@app.task
def forget_notices() -> None:
    """Delete notices that are old, once a day."""
    _try(lambda: forgetting.forget(timezone.now()))


@worker_shutting_down.connect
def stop_waiting(**kwargs: object) -> None:
    """Runs in a signal handler."""
    judging.stop.set()


def _try(work: Callable[[], object]) -> None:
    """Do it once. While the database is away nothing waits: the next minute does it anyway."""
    try:
        judging.wait_out(work, may_pause=lambda seconds: False)
    except DatabaseError as error:
        logger.warning("Not judged: %s", error)


def _unpack(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
