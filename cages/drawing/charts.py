"""Hours and days as charts, which a script draws from plain lists, and as rows of a table."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cages.drawing.words import ms_as_seconds, percent
from cages.history.buckets import Bucket


def shares(buckets: Sequence[Bucket], by_hour: bool) -> dict[str, Any]:
    """The minutes of each bucket by what is known of them."""
    healths = [bucket.health for bucket in buckets]
    return {
        **_axis(buckets, by_hour),
        "kind": "shares",
        "minutes": [health.minutes for health in healths],
        "series": [
            ["perfect", _("Perfect"), [health.shares[0].count for health in healths]],
            ["ok", _("Ok"), [health.shares[1].count for health in healths]],
            ["bad", _("Bad"), [health.shares[2].count for health in healths]],
            ["none", _("no answer"), [health.unanswered for health in healths]],
            ["off", _("not watched"), [health.not_watched for health in healths]],
        ],
    }


def latencies(buckets: Sequence[Bucket], by_hour: bool) -> dict[str, Any]:
    """Response times of each bucket in ms; None where nothing was answered."""
    told = [bucket.sensor.whole_latencies_ms for bucket in buckets]
    return {
        **_axis(buckets, by_hour),
        "kind": "latencies",
        "series": [
            [key, word, [latency[place] for latency in told]]
            for place, (key, word) in enumerate((("p50", "p50"), ("p95", "p95"), ("max", _("max"))))
        ],
    }


def _axis(buckets: Sequence[Bucket], by_hour: bool) -> dict[str, Any]:
    return {
        "zone": settings.FACILITY_TIME_ZONE,
        "step": "hour" if by_hour else "day",
        "starts": [int(bucket.window.start.timestamp()) for bucket in buckets],
        "ends": [int(bucket.window.end.timestamp()) for bucket in buckets],
    }


def table(buckets: Iterable[Bucket], by_hour: bool) -> list[tuple[str, list[str]]]:
    """[(start of the bucket, cells)]: what both charts show, as text.

    The start is a day, and with `by_hour` also the time. The cells are minutes, Perfect, Ok, Bad,
    no answer, not watched, requests, share of answers, p50, p95 and max.
    """
    form = "%Y-%m-%d %H:%M" if by_hour else "%Y-%m-%d"
    return [(f"{timezone.localtime(one.window.start):{form}}", _cells(one)) for one in buckets]


def _cells(bucket: Bucket) -> list[str]:
    health, sensor = bucket.health, bucket.sensor
    counts = [share.count for share in health.shares]
    counts = [health.minutes, *counts, health.unanswered, health.not_watched, sensor.requests]
    latencies_ms = (sensor.latency_p50_ms, sensor.latency_p95_ms, sensor.latency_max_ms)
    return [*map(str, counts), percent(sensor.answered), *map(ms_as_seconds, latencies_ms)]
