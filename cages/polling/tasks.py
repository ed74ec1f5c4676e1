"""The hand-overs: beat -> start_slot -> poll_cages -> record_polls. Thin on purpose."""

import itertools
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Task
from celery.signals import worker_shutting_down
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerAway

from cages.polling import ahead, schedule
from cages.polling.claims import NotPlanned, check_shard
from cages.polling.poller import poll, stop_beginning
from cages.polling.recorder import record, record_claimed
from cages.polling.results import Columns, encode, skipped
from cages.slots import slot_of
from cages.storage import purge
from neurocage.celery import app

logger = logging.getLogger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError)
RETRY_SECONDS = 10
# A minute is begun late rather than not at all.
START_RETRY_SECONDS = 5
# Minutes of results that may wait for a recorder before no more are asked for.
RECORDS_MAY_WAIT = 10
# While Redis is away, results wait in the poller that has them: up to an hour, a try every 2 s.
HOLD_SECONDS = 3600
HAND_OVER_RETRY_SECONDS = 2


@app.task(bind=True, max_retries=None)
def start_slot(self: Task) -> None:
    """Claim this minute and send its shards out; closes cycles whose shards were lost.

    What was recorded ahead of now gives way.
    """
    now = timezone.now()
    slot = slot_of(now)
    try:
        cage_ids = schedule.claim(slot, now)
    except DATABASE_AWAY as error:
        if slot_of(now + timedelta(seconds=START_RETRY_SECONDS)) > slot:
            logger.warning("The database is away: %s is not watched", slot)
            raise
        raise self.retry(exc=error, countdown=START_RETRY_SECONDS) from error
    if cage_ids:
        shards = schedule.cut(cage_ids, late_seconds=(now - slot).total_seconds())
        if why := _overload(len(shards)):
            _skip(slot, cage_ids, why)
        else:
            _send(slot, shards)
    for lost_slot, lost_ids in schedule.lost(now):
        # What was recorded stays; only the polls that nobody recorded become "skipped".
        _skip(lost_slot, lost_ids, "lost")
    ahead.keep_to_the_present(now)


def _overload(shards: int) -> str:
    """Why a further slot of so many shards must not be sent; "" where it may.

    What waits is bounded here, as nobody else sees it grow: two minutes of shards.
    """
    with app.connection_for_write() as redis:
        channel: Any = redis.default_channel
        polls, records = (
            channel.queue_declare(name).message_count for name in ("polls", "records")
        )
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
    except BrokerAway:
        logger.warning("Redis went away when %d of %d shards were sent", sent, len(shards))
        for shard in shards[sent:]:
            _skip(slot, shard.cage_ids, "Redis went away")


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


def _hand_over(task: Task, *args: Any) -> None:
    """Send the message, however long Redis is away: what was measured is only here.

    A retry policy is not enough: where the connection is gone already, kombu tries to make another
    for 4 s and then raises, whatever the policy says.
    """
    began = time.monotonic()
    for tries in itertools.count():
        try:
            task.apply_async(args)
            return
        except BrokerAway as error:
            if time.monotonic() > began + HOLD_SECONDS:
                raise
            if not tries:
                logger.warning("Redis is away; holding a message for %s: %s", task.name, error)
        time.sleep(HAND_OVER_RETRY_SECONDS)


@worker_shutting_down.connect
def hand_back(**kwargs: Any) -> None:
    """Runs in a signal handler."""
    stop_beginning()


@app.task(bind=True, max_retries=None)
def record_polls(self: Task, slot: int, columns: Columns) -> None:
    """Write one shard's results. While the database is away the message waits in Redis."""
    try:
        record_claimed(_unpack(slot), columns, now=timezone.now())
    except NotPlanned as error:
        logger.warning("Results were refused: %s", error)
    except DATABASE_AWAY as error:
        raise self.retry(exc=error, countdown=RETRY_SECONDS) from error


@app.task(bind=True, max_retries=None)
def purge_cage(self: Task, cage_id: int) -> None:
    """Delete one bounded part of a cage ordered purged, and come back for the rest."""
    try:
        pause = purge.step(cage_id, timezone.now())
    except DATABASE_AWAY as error:
        raise self.retry(exc=error, countdown=RETRY_SECONDS) from error
    if pause is not None:
        purge_cage.apply_async((cage_id,), countdown=pause)


def _pack(slot: datetime) -> int:
    return int(slot.timestamp())


def _unpack(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
