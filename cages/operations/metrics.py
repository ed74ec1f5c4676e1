"""Metrics for Prometheus, read from the ledger at each scrape."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from cages.models import Backup, Cage, Outcome, PollCycle
from cages.models.backup import is_overdue, longest_allowed
from cages.operations import database_faults

# Functions that add the metrics of other apps, which put them here; one query each.
MORE: list[Callable[[CollectorRegistry, datetime], None]] = []


def render(now: datetime) -> bytes:
    """Return the metrics as text in Prometheus's format; six queries, and those of MORE."""
    registry = CollectorRegistry()

    def gauge(name: str, words: str, value: float) -> None:
        Gauge(f"neurocage_{name}", words, registry=registry).set(value)

    gauge("cages_polled", "Cages asked every minute.", Cage.objects.polled().count())
    watch = PollCycle.objects.watch(now)
    words = "How far ahead of now a minute is recorded. Above 0, a clock is or was wrong."
    gauge("ahead_seconds", words, watch.ahead_by.total_seconds())
    if watch.newest:
        age = now - watch.newest.slot
        gauge("slot_age_seconds", "Time since the newest minute began.", age.total_seconds())
    cycle = watch.last_finished
    if cycle and watch.finished_at and cycle.duration_seconds is not None:
        age = now - watch.finished_at
        gauge("cycle_age_seconds", "Time since the last full cycle ended.", age.total_seconds())
        gauge("cycle_duration_seconds", "Duration of the last full cycle.", cycle.duration_seconds)
        name, words = "neurocage_cycle_polls", "Polls of the last full cycle."
        polls = Gauge(name, words, ["outcome"], registry=registry)
        for outcome in Outcome:
            polls.labels(outcome.word).set(getattr(cycle, outcome.word))
    _backup(gauge, now)
    found = Counter(fault.kind for fault in database_faults.faults(now))
    name, words = "neurocage_database_faults", "What is wrong with the database, as on /ops/."
    faults = Gauge(name, words, ["kind"], registry=registry)
    for kind in database_faults.Kind:
        faults.labels(kind.value).set(found[kind])
    for add in MORE:
        add(registry, now)
    return generate_latest(registry)


def _backup(gauge: Callable[[str, str, float], None], now: datetime) -> None:
    newest = Backup.newest()
    if newest:
        words = "Time since the newest backup was taken."
        gauge("backup_age_seconds", words, (now - newest.taken_at).total_seconds())
    if longest_allowed():
        words = "1 where the newest backup is older than BACKUP_MAX_AGE_HOURS, else 0."
        gauge("backup_overdue", words, is_overdue(newest, now))
