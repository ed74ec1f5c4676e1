"""Neurocage's own figures for Prometheus, read from the ledger at each scrape."""

from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from cages.models import Cage, Outcome, PollCycle

CONTENT_TYPE = CONTENT_TYPE_LATEST


def render(now: datetime) -> bytes:
    """The exposition text; two queries."""
    registry = CollectorRegistry()
    polled = Gauge("neurocage_cages_polled", "Cages asked every minute.", registry=registry)
    polled.set(Cage.objects.polled().count())
    watch = PollCycle.objects.watch(now)
    if watch.newest:
        begun = Gauge(
            "neurocage_slot_age_seconds", "Since the newest minute began.", registry=registry
        )
        begun.set((now - watch.newest.slot).total_seconds())
    cycle = watch.last_finished
    if cycle:
        age = Gauge(
            "neurocage_cycle_age_seconds", "Since the last full cycle ended.", registry=registry
        )
        age.set((now - cycle.finished_at).total_seconds())
        duration = Gauge(
            "neurocage_cycle_duration_seconds", "Of the last full cycle.", registry=registry
        )
        duration.set(cycle.duration_seconds)
        polls = Gauge(
            "neurocage_cycle_polls", "Polls of the last full cycle.", ["outcome"], registry=registry
        )
        for outcome in Outcome:
            polls.labels(outcome.word).set(getattr(cycle, outcome.word))
    return generate_latest(registry)
