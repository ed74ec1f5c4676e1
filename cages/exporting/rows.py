"""The rows of an export, in batches: by cage id, then by time. Memory stays flat, however many.

A row is a tuple in the order of its columns, with one number, seconds since 1970, in the place of
the three columns of time. Each cage takes two queries a month of minutes.
"""

from datetime import timedelta

from django.contrib.postgres.aggregates import ArrayAgg

from cages.history.buckets import buckets_of
from cages.history.minutes import KNOWN, MINUTE_NUMBER, WATCHED, minutes_of
from cages.history.window import Window
from cages.models import Health, Outcome, SensorRequest

STEP = timedelta(days=31)
LABELS = {int(status): status.word for status in Health}
WORDS = {int(outcome): outcome.word for outcome in Outcome}
IMPLIED = {int(outcome): outcome.http_status for outcome in Outcome}


def readings(cages, window):
    """One row for every minute of the window, known or not.

    cages: (id, label, created_at); a cage has no minutes before it was created.
    """
    for (cage_id, label), part in _parts(cages, window):
        yield _minutes(cage_id, label, part)


def requests(cages, window):
    """One row for every planned poll."""
    for (cage_id, label), part in _parts(cages, window):
        rows = SensorRequest.objects.filter(
            cage=cage_id, slot__gte=part.start, slot__lt=part.end
        ).order_by("slot")
        columns = ("slot", "outcome", "http_status", "latency_ms", "detail")
        yield [
            (
                cage_id,
                label,
                int(slot.timestamp()),
                WORDS[outcome],
                status or IMPLIED[outcome],
                *rest,
            )
            for slot, outcome, status, *rest in rows.values_list(*columns)
        ]


def hourly(cages, window):
    """One row for every UTC hour of the window, or the part of it that lies there."""
    for (cage_id, label), part in _parts(cages, window):
        yield [
            (cage_id, label, int(bucket.window.start.timestamp()), *_of_bucket(bucket))
            for bucket in buckets_of([cage_id], part, by_hour=True)[cage_id]
        ]


ROWS = {"readings": readings, "requests": requests, "hourly": hourly}


def _parts(cages, window):
    for cage_id, label, created_at in cages:
        start = window.since(created_at).start
        # From full hours on, so that no hour is cut in two.
        first = start.replace(minute=0)
        while start < window.end:
            first += STEP
            end = min(first, window.end)
            yield (cage_id, label), Window(start, end)
            start = end


def _minutes(cage_id, label, window):
    known = minutes_of([cage_id], window)[cage_id]
    asked = _requests_by_minute(cage_id, window)
    begin = int(window.start.timestamp())
    rows = []
    for number, code in enumerate(known):
        request = asked.get(number)
        outcome, status, latency_ms = request or (None, None, None)
        health = code if code in KNOWN else None
        watched = int(code in WATCHED)
        rows.append(
            (
                *(cage_id, label, begin + 60 * number, health, LABELS.get(health)),
                *(WORDS.get(outcome), status or IMPLIED.get(outcome), latency_ms, watched),
            )
        )
    return rows


def _requests_by_minute(cage_id, window):
    """{number of the minute: (outcome, http_status, latency_ms)}; one query, a third of the time
    of rows."""
    rows = SensorRequest.objects.filter(
        cage=cage_id, slot__gte=window.start, slot__lt=window.end
    ).order_by()
    columns = rows.aggregate(
        minutes=ArrayAgg(MINUTE_NUMBER, default=[]),
        outcomes=ArrayAgg("outcome", default=[]),
        statuses=ArrayAgg("http_status", default=[]),
        latencies=ArrayAgg("latency_ms", default=[]),
    )
    first = int(window.start.timestamp()) // 60
    values = zip(columns["outcomes"], columns["statuses"], columns["latencies"], strict=True)
    return {minute - first: value for minute, value in zip(columns["minutes"], values, strict=True)}


def _of_bucket(bucket):
    health, sensor = bucket.health, bucket.sensor
    perfect, ok, bad = (share.count for share in health.shares)
    return (
        *(bucket.minutes, perfect, ok, bad, health.unanswered, health.not_watched),
        *(sensor.by_outcome[outcome] for outcome in Outcome),
        *sensor.whole_latencies_ms,
    )
