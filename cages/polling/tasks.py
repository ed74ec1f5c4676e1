"""The hand-overs: beat -> start_slot -> poll_cages -> record_polls. Thin on purpose."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Task
from celery.exceptions import Reject
from celery.signals import worker_shutting_down
from django.db import Error as DatabaseError
from django.utils import timezone
from kombu.exceptions import OperationalError as QueueAway
from redis.exceptions import RedisError

from cages.operations import database_faults, digests
from cages.polling import ahead, schedule, set_aside
from cages.polling.claims import HOLD_SECONDS, NotPlanned, check_shard
from cages.polling.patience import Patience, Stopping, pauses
from cages.polling.poller import poll, stop_beginning
from cages.polling.recorder import record, record_claimed
from cages.polling.results import Columns, encode, skipped
from cages.slots import slot_of
from cages.storage import purge
from neurocage.celery import app

logger = logging.getLogger(__name__)
BROKER_AWAY = (QueueAway, RedisError, OSError)
# Minutes of results that may wait for a recorder before no more are asked for.
RECORDS_MAY_WAIT = 10
REDIS_WENT_AWAY = "Redis went away"

starting = Patience("minutes are started")
recording = Patience("results are written")
purging = Patience("cages are purged")


@app.task
def start_slot() -> None:
    """Claim this minute and send its shards out; closes cycles whose shards were lost.

    A minute is begun late rather than not at all: the database may come back within it. What was
    recorded ahead of now gives way.
    """
    slot = slot_of(timezone.now())

    def claim() -> tuple[datetime, list[int] | None]:
        now = timezone.now()
        return now, schedule.claim(slot, now)

    def is_in_slot_after(seconds: float) -> bool:
        return slot_of(timezone.now() + timedelta(seconds=seconds)) == slot

    try:
        now, cage_ids = starting.wait_out(claim, is_in_slot_after)
    except (DatabaseError, Stopping) as error:
        logger.warning("%s is not watched: %s", slot, error or "this worker stops")
        return
    if cage_ids:
        shards = schedule.cut(cage_ids, late_seconds=(now - slot).total_seconds())
        if why := _overload(len(shards)):
            _skip(slot, cage_ids, why)
        else:
            _send(slot, shards)
    for lost_slot, lost_ids in schedule.lost(now):
        # What was recorded stays; only the polls that nobody recorded become "skipped".
        try:
            _skip(lost_slot, lost_ids, "lost")
        except DatabaseError:
            # The others must not wait for it, nor the minutes to come.
            logger.exception("The cycle of %s cannot be closed", lost_slot)
    ahead.keep_to_the_present(now)


def _overload(shards: int) -> str:
    """Why a further slot of so many shards must not be sent; "" where it may.

    What waits is bounded here, as nobody else sees it grow: two minutes of shards. Results that
    cannot be written stay in their queue, except for one message in each thread of a recorder.
    """
    try:
        with app.connection_for_write() as redis:
            channel: Any = redis.default_channel
            polls, records = (
                channel.queue_declare(name).message_count for name in ("polls", "records")
            )
    except BROKER_AWAY as error:
        logger.warning("Redis does not answer: %s", error)
        return REDIS_WENT_AWAY
    if polls > shards:
        return "the pollers did not keep up"
    if records > RECORDS_MAY_WAIT * shards:
        return "the recorders did not keep up"
    return ""


def _send(slot: datetime, shards: list[schedule.Shard]) -> None:
    sent = 0
    try:
        with app.producer_or_acquire() as producer:
            for shard in shards:
                poll_cages.apply_async(
                    (_pack(slot), shard.cage_ids, shard.begin_seconds, shard.spread_seconds),
                    producer=producer,
                )
                sent += 1
    except BROKER_AWAY:
        logger.warning("Redis went away when %d of %d shards were sent", sent, len(shards))
        for shard in shards[sent:]:
            _skip(slot, shard.cage_ids, REDIS_WENT_AWAY)


def _skip(slot: datetime, cage_ids: list[int], why: str) -> None:
    """Record at once that these were not asked, a shard at a time."""
    for part in schedule.cut(cage_ids):
        record(slot, [skipped(cage_id, why) for cage_id in part.cage_ids], now=timezone.now())


@app.task
def poll_cages(
    slot: int, cage_ids: list[int], begin_seconds: float = 0.0, spread_seconds: float = 0.0
) -> None:
    """Ask one shard's sensors and hand the results on. Knows no database."""
    check_shard(cage_ids, begin_seconds, spread_seconds)
    results = poll(cage_ids, _unpack(slot), begin_seconds, spread_seconds)
    if results:
        _hand_over(record_polls, slot, encode(results))
    if len(results) < len(cage_ids):
        # This process is stopping; another one asks the rest.
        known = {result.cage_id for result in results}
        rest = [cage_id for cage_id in cage_ids if cage_id not in known]
        gap = spread_seconds / len(cage_ids)
        _hand_over(poll_cages, slot, rest, begin_seconds + gap * len(results), gap * len(rest))


def _hand_over(task: Task, *args: Any, **options: Any) -> None:
    """Send the message, however long Redis is away: what was measured is only here.

    A retry policy is not enough: where the connection is gone already, kombu tries to make another
    for 4 s and then raises, whatever the policy says.
    """
    _hold(lambda: task.apply_async(args, **options), f"a message for {task.name}")


def _hold(send: Callable[[], object], what: str) -> None:
    """Try again, with growing pauses, until Redis takes it, for up to HOLD_SECONDS."""
    began = time.monotonic()
    for tries, pause in enumerate(pauses()):
        try:
            send()
            return
        except BROKER_AWAY as error:
            if time.monotonic() > began + HOLD_SECONDS:
                raise
            if not tries:
                logger.warning("Redis is away; holding %s: %s", what, error)
        time.sleep(pause)


@worker_shutting_down.connect
def hand_back(**kwargs: Any) -> None:
    """Runs in a signal handler."""
    stop_beginning()
    for patience in (starting, recording, purging):
        patience.stop.set()


@app.task
def record_polls(slot: int, columns: Columns) -> None:
    """Write one shard's results. While the database is away the message stays in Redis.

    It is not acknowledged before its results are written, or proven unwritable and kept aside.
    """
    try:
        refused = recording.wait_out(
            lambda: set_aside.write(_unpack(slot), columns, timezone.now(), record_claimed)
        )
    except NotPlanned as error:
        logger.warning("Results were refused: %s", error)
        return
    except Stopping as error:
        raise Reject("this worker stops", requeue=True) from error
    except DatabaseError as error:
        refused = [set_aside.refused(_unpack(slot), columns, error, now=timezone.now())]
    if refused:
        _hold(lambda: set_aside.keep(refused), "results that cannot be written")


@app.task
def purge_cage(cage_id: int) -> None:
    """Delete one bounded part of a cage ordered purged, and come back for the rest."""
    try:
        pause = purging.wait_out(lambda: purge.step(cage_id, timezone.now()))
    except Stopping as error:
        raise Reject("this worker stops", requeue=True) from error
    if pause is not None:
        _hand_over(purge_cage, cage_id, countdown=pause)


@app.task
def check_database() -> None:
    """Write to the log what is wrong with the database although it answers."""
    database_faults.log_faults()


@app.task
def close_days() -> None:
    """Make the digests of the days that are over, for a minute at most."""
    digests.close_days(timezone.now())


def _pack(slot: datetime) -> int:
    return int(slot.timestamp())


def _unpack(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
