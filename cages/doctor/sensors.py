"""The sensor API: a sample of cages, asked at once by the client that polls them."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import Error
from django.utils import timezone

from cages.doctor.findings import Finding, clock, ok, unknown, warning, wrong
from cages.models import Cage, Outcome
from cages.polling.results import PollResult
from cages.polling.sensor_client import SensorClient

NAME = "Sensor API"
SAMPLE = 10
# Shorter than a poll may be, so that there is an answer before the whole examination ends.
MOST_SECONDS = 15.0
CLOCK_SECONDS = 5.0
# An HTTP date has whole seconds.
ROUNDED = timedelta(seconds=1)
WHAT_TO_DO = "See whether SENSOR_API_URL is right, and whether this machine reaches it."


def look() -> Iterator[Finding]:
    """Ask up to SAMPLE polled cages, spread over all ids."""
    try:
        ids = list(Cage.objects.polled().order_by("pk").values_list("pk", flat=True))
    except Error:
        yield warning(NAME, "Not asked, because the database does not say which cages.", WHAT_TO_DO)
        return
    if not ids:
        yield unknown(NAME, "No cage is polled, so no sensor was asked.")
        return
    count = min(len(ids), SAMPLE)
    sample = [ids[number * len(ids) // count] for number in range(count)]
    seconds = min(settings.POLL_TIMEOUT_SECONDS, MOST_SECONDS)
    with contextlib.closing(SensorClient(settings.SENSOR_API_URL, len(sample))) as client:
        results = ask_at_once(client, sample, seconds)
        yield _told(results, len(sample), seconds)
        before = timezone.now()
        answering = [one.cage_id for one in results if one.http_status is not None]
        shown = client.clock_of(answering[0], CLOCK_SECONDS) if answering else None
        took = timezone.now() - before
        if shown:
            yield clock(
                "the sensor API", shown + ROUNDED / 2, before + took / 2, took / 2 + ROUNDED
            )
        elif answering:
            yield unknown("Clocks", "The sensor API does not tell its time.")


def ask_at_once(client: SensorClient, ids: list[int], seconds: float) -> list[PollResult]:
    """Ask each sensor in a thread of its own. One that does not end in time gives no result."""
    results: list[PollResult] = []
    threads = [
        threading.Thread(target=lambda pk=pk: results.append(client.ask(pk, seconds)), daemon=True)
        for pk in ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    return list(results)


def _told(results: list[PollResult], asked: int, seconds: float) -> Finding:
    answered = [one for one in results if one.outcome == Outcome.ANSWERED]
    words = f"{len(answered)} of {asked} cages, asked at once, answered within {seconds:g} s"
    times = sorted(one.latency_ms for one in answered if one.latency_ms is not None)
    if times:
        p50, p95 = times[(len(times) - 1) // 2], times[round(0.95 * (len(times) - 1))]
        words += f" (p50 {p50} ms, p95 {p95} ms)"
    others = sorted({Outcome(one.outcome).word for one in results} - {Outcome.ANSWERED.word})
    details = sorted({one.detail for one in results if one.detail})
    if others:
        words += f"; else {', '.join(others)}"
    if details:
        words += f" ({details[0]})"
    if not answered:
        return wrong(NAME, f"{words}.", WHAT_TO_DO)
    if 2 * len(answered) < asked:
        return warning(NAME, f"{words}.", "The operations page lists the silent sensors by rack.")
    return ok(NAME, f"{words}.")
