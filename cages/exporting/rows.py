"""The rows of an export, in batches: by cage id, then by time. Memory stays flat, however many.

A row is a tuple in the order of its columns, with one number, seconds since 1970, in the place of
the three columns of time. A month of a cage is read with one query, because a second query could
see a minute that was recorded after the first.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice, repeat
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Value
from django.db.models.functions import Coalesce

from cages.exporting.at_minutes import BATCH, AtMinutes, cycles_of
from cages.history.buckets import Bucket, buckets_of
from cages.history.minutes import MINUTE_NUMBER, minute_number
from cages.history.not_known import OF_OUTCOMES, Cycles
from cages.history.window import Window
from cages.models import Health, Outcome, Poll
from cages.models.poll import PollQuerySet

# (id, label, created_at) of each cage.
Cages = Iterable[tuple[int, str, datetime]]
Batches = Iterator[list[tuple[Any, ...]]]

STEP = timedelta(days=31)
LABELS = {int(status): status.word for status in Health}
WORDS = {int(outcome): outcome.word for outcome in Outcome}
# Looked up once for each outcome, as there are millions of rows.
HTTP_STATUSES = {int(outcome): outcome.http_status for outcome in Outcome}


def readings(cages: Cages, window: Window, purged: Collection[int] = frozenset()) -> Batches:
    """Yield one row for every minute of the window since the cage was created, known or not.

    What is said of its minutes takes a fixed number of queries for each BATCH of cages.
    purged: the ids of cages that are not there any more. Nothing is known of their minutes.
    """
    waiting, cycles = iter(cages), cycles_of(window)
    while batch := list(islice(waiting, BATCH)):
        there = [cage_id for cage_id, *_rest in batch if cage_id not in purged]
        at_minutes = AtMinutes.of(there, window)
        for cage_id, label, created_at in batch:
            said = at_minutes.pop(cage_id, None)
            known = said or AtMinutes.nothing(window)
            # Another cage may have the id of a purged one by now.
            polls = Poll.objects.all() if said else Poll.objects.none()
            for _cage, part in _parts([(cage_id, label, created_at)], window):
                yield _minutes(cage_id, label, part, created_at, known, cycles, polls)


def requests(cages: Cages, window: Window) -> Batches:
    """One row for every planned poll."""
    for (cage_id, label), part in _parts(cages, window):
        polls = Poll.objects.within([cage_id], part).order_by("slot")
        columns = ("slot", "outcome", "http_status", "latency_ms")
        detail = Coalesce("detail", Value(""))
        yield [
            (
                cage_id,
                label,
                int(slot.timestamp()),
                WORDS[outcome],
                http_status or HTTP_STATUSES[outcome],
                *rest,
            )
            for slot, outcome, http_status, *rest in polls.values_list(*columns, detail)
        ]


def hourly(cages: Cages, window: Window) -> Batches:
    """One row for every UTC hour of the window, or the part of it that lies there."""
    for (cage_id, label), part in _parts(cages, window):
        yield [
            (cage_id, label, int(bucket.window.start.timestamp()), *_of_bucket(bucket))
            for bucket in buckets_of([cage_id], part, by_hour=True)[cage_id]
        ]


ROWS = {"readings": readings, "requests": requests, "hourly": hourly}


def _parts(cages: Cages, window: Window) -> Iterator[tuple[tuple[int, str], Window]]:
    for cage_id, label, created_at in cages:
        start = window.since(created_at).start
        # From full hours on, so that no hour is cut in two.
        first = start.replace(minute=0)
        while start < window.end:
            first += STEP
            end = min(first, window.end)
            yield (cage_id, label), Window(start, end)
            start = end


def _minutes(
    cage_id: int,
    label: str,
    part: Window,
    created_at: datetime,
    said: AtMinutes,
    cycles: Cycles,
    polls: PollQuerySet,
) -> list[tuple[Any, ...]]:
    # A third of the time of rows.
    columns = (
        polls.within([cage_id], part)
        .order_by()
        .aggregate(
            minutes=ArrayAgg(MINUTE_NUMBER, default=[]),
            statuses=ArrayAgg("status", default=[]),
            outcomes=ArrayAgg("outcome", default=[]),
            http_statuses=ArrayAgg("http_status", default=[]),
            latencies=ArrayAgg("latency_ms", default=[]),
        )
    )
    begin, first = int(part.start.timestamp()), minute_number(part.start)
    # One list for each column takes less time than one tuple for each row.
    unknown: list[list[Any]] = [[None] * part.minutes for _number in range(5)]
    statuses, labels, outcomes, http_statuses, latencies = unknown
    watched = [0] * part.minutes
    whys = said.whys(created_at, cycles, part)
    for minute, health, outcome, http_status, latency_ms in zip(*columns.values(), strict=True):
        number = minute - first
        statuses[number], labels[number] = health, LABELS.get(health)
        outcomes[number] = WORDS[outcome]
        http_statuses[number] = http_status or HTTP_STATUSES[outcome]
        latencies[number] = latency_ms
        watched[number] = int(outcome != Outcome.SKIPPED)
        whys[number] = OF_OUTCOMES[outcome]
    return list(
        zip(
            repeat(cage_id, part.minutes),
            repeat(label, part.minutes),
            range(begin, begin + 60 * part.minutes, 60),
            *(statuses, labels, outcomes, http_statuses, latencies, watched, whys),
            *said.columns(part),
            strict=True,
        )
    )


def _of_bucket(bucket: Bucket) -> tuple[Any, ...]:
    health, sensor = bucket.health, bucket.sensor
    perfect, ok, bad = (share.count for share in health.shares)
    return (
        *(bucket.minutes, perfect, ok, bad, health.unanswered, health.not_watched),
        *(sensor.by_outcome[outcome] for outcome in Outcome),
        *sensor.whole_latencies_ms,
        *(percentile and percentile.width_ms for percentile in (sensor.p50, sensor.p95)),
    )


def most_rows(kind: str, cages: Cages, window: Window) -> int:
    """Return how many rows a file has at most; exactly, except for requests."""
    parts = [window.since(created_at) for _id, _label, created_at in cages]
    if kind == "hourly":
        hour = timedelta(hours=1)
        return sum(
            -(-(part.end - part.start.replace(minute=0)) // hour)
            for part in parts
            if part.start < part.end
        )
    return sum(max(part.minutes, 0) for part in parts)
