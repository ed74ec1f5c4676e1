"""Hours and days as charts, which a script draws from plain lists, and as rows of a table."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cages.drawing.light import minutes_by_phase
from cages.drawing.pins import Numbered
from cages.drawing.words import date_and_time, ms_as_seconds, percent_and_count
from cages.history.buckets import Bucket
from cages.history.light import LightPhase, LightRun
from cages.history.wall_clock import doubled_spans
from cages.history.window import Window


def shares(
    buckets: Sequence[Bucket],
    by_hour: bool,
    runs: Sequence[LightRun] = (),
    marks: Sequence[Numbered] = (),
) -> dict[str, Any]:
    """The minutes of each bucket by what is known of them. runs, marks: of the cage."""
    healths = [bucket.health for bucket in buckets]
    return {
        **_axis(buckets, by_hour, runs, marks),
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


def latencies(
    buckets: Sequence[Bucket],
    by_hour: bool,
    runs: Sequence[LightRun] = (),
    marks: Sequence[Numbered] = (),
) -> dict[str, Any]:
    """Response times of each bucket in ms; None where nothing was answered."""
    told = [bucket.sensor.whole_latencies_ms for bucket in buckets]
    return {
        **_axis(buckets, by_hour, runs, marks),
        "kind": "latencies",
        "series": [
            [key, word, [latency[place] for latency in told]]
            for place, (key, word) in enumerate((("p50", "p50"), ("p95", "p95"), ("max", _("max"))))
        ],
    }


def _axis(
    buckets: Sequence[Bucket],
    by_hour: bool,
    runs: Sequence[LightRun],
    marks: Sequence[Numbered],
) -> dict[str, Any]:
    return {
        "zone": settings.FACILITY_TIME_ZONE,
        "step": "hour" if by_hour else "day",
        # [start, end, name] where the clock shows the same times twice.
        "doubled": [
            [int(start.timestamp()), int(end.timestamp()), name]
            for start, end, name in _doubled_in(buckets)
        ],
        # [start, end, whether it is dark, the phase in words]. A day is wider than its phases.
        "light": [
            [*_seconds(run.window), run.phase == LightPhase.DARK, run.phase.label]
            for run in runs
            if by_hour and run.phase != LightPhase.UNKNOWN
        ],
        # [start, end, number, words].
        "marks": [
            [
                int(one.mark.starts_at.timestamp()),
                int(one.mark.ends_at.timestamp()),
                one.number,
                one.words,
            ]
            for one in marks
        ],
        "starts": [int(bucket.window.start.timestamp()) for bucket in buckets],
        "ends": [int(bucket.window.end.timestamp()) for bucket in buckets],
    }


def _seconds(window: Window) -> tuple[int, int]:
    return int(window.start.timestamp()), int(window.end.timestamp())


def _doubled_in(buckets: Sequence[Bucket]) -> list[tuple[datetime, datetime, str]]:
    if not buckets:
        return []
    return doubled_spans(Window(buckets[0].window.start, buckets[-1].window.end))


def table(
    buckets: Iterable[Bucket], by_hour: bool, runs: Sequence[LightRun] = ()
) -> list[tuple[str, str, list[str]]]:
    """[(start of the bucket, its light, cells)]: what both charts show, as text.

    The start is a day, and with `by_hour` also the time. The cells are minutes, Perfect, Ok, Bad,
    no answer, not watched, requests, answers with their share, p50, p95 and max.
    """

    def told(start: datetime) -> str:
        return date_and_time(start) if by_hour else f"{timezone.localtime(start):%Y-%m-%d}"

    return [
        (told(one.window.start), minutes_by_phase(runs, one.window), _cells(one)) for one in buckets
    ]


def _cells(bucket: Bucket) -> list[str]:
    health, sensor = bucket.health, bucket.sensor
    counts = [share.count for share in health.shares]
    counts = [health.minutes, *counts, health.unanswered, health.not_watched, sensor.requests]
    latencies_ms = (sensor.latency_p50_ms, sensor.latency_p95_ms, sensor.latency_max_ms)
    return [
        *map(str, counts),
        percent_and_count(sensor.answered),
        *map(ms_as_seconds, latencies_ms),
    ]
