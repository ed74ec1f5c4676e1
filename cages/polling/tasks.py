"""The hand-overs: beat -> start_slot -> poll_cages -> record_polls. Thin on purpose."""

from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from cages.polling import purge, schedule
from cages.polling.poller import poll
from cages.polling.recorder import record
from cages.polling.results import decode, encode, skipped
from cages.slots import slot_of
from neurocage.celery import app

DATABASE_AWAY = (OperationalError, InterfaceError)
RETRY_SECONDS = 10


@app.task
def start_slot():
    """Claim this minute and send its shards out; closes cycles whose shards were lost."""
    now = timezone.now()
    slot = slot_of(now)
    for shard in schedule.cut(schedule.claim(slot, now) or []):
        poll_cages.delay(_pack(slot), shard.cage_ids, shard.begin_seconds, shard.spread_seconds)
    for lost_slot, cage_ids in schedule.lost(now):
        # What was recorded stays; only the polls that nobody recorded become "skipped".
        for part in schedule.cut(cage_ids):
            record_polls.delay(
                _pack(lost_slot), encode([skipped(i, "lost") for i in part.cage_ids])
            )


@app.task
def poll_cages(slot, cage_ids, begin_seconds=0.0, spread_seconds=0.0):
    """Ask one shard's sensors and hand the results on. Knows no database."""
    results = poll(cage_ids, _unpack(slot), begin_seconds, spread_seconds)
    # While Redis is away the results wait here rather than being lost.
    record_polls.apply_async(
        (slot, encode(results)),
        retry_policy={
            "max_retries": 60,
            "interval_start": 0.5,
            "interval_step": 0.5,
            "interval_max": 5,
        },
    )


@app.task(bind=True, max_retries=None)
def record_polls(self, slot, columns):
    """Write one shard's results. While the database is away the message waits in Redis."""
    try:
        record(_unpack(slot), decode(columns), now=timezone.now())
    except DATABASE_AWAY as error:
        raise self.retry(exc=error, countdown=RETRY_SECONDS) from error


@app.task(bind=True, max_retries=None)
def purge_cage(self, cage_id):
    """Delete one bounded part of a cage ordered purged, and come back for the rest."""
    try:
        pause = purge.step(cage_id, timezone.now())
    except DATABASE_AWAY as error:
        raise self.retry(exc=error, countdown=RETRY_SECONDS) from error
    if pause is not None:
        purge_cage.apply_async((cage_id,), countdown=pause)


def _pack(slot):
    return int(slot.timestamp())


def _unpack(seconds):
    return datetime.fromtimestamp(seconds, UTC)
