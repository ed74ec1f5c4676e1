"""How many concerns are open, by kind and age, and what came of deliveries, for Prometheus."""

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import Case, CharField, Count, Value, When
from prometheus_client import CollectorRegistry, Gauge

from cages.operations import metrics
from welfare.models import Concern, Delivery, Kind

# {label: younger than}. The rest is OLDEST.
AGES = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "24h": timedelta(hours=24)}
OLDEST = "over_24h"
DELIVERIES_COUNTED = timedelta(hours=24)


def add(registry: CollectorRegistry, now: datetime) -> None:
    """Add neurocage_concerns_open{kind, age}. Drills are not counted. One query."""
    age = Case(
        *(When(raised_at__gt=now - limit, then=Value(label)) for label, limit in AGES.items()),
        default=Value(OLDEST),
        output_field=CharField(),
    )
    rows = Concern.objects.open().counted().order_by().annotate(age=age)
    found = Counter(
        {
            (kind, label): count
            for kind, label, count in rows.values_list("kind", "age").annotate(count=Count("pk"))
        }
    )
    words = "Open concerns. age: less than so long ago they were raised."
    gauge = Gauge("neurocage_concerns_open", words, ["kind", "age"], registry=registry)
    for kind in Kind:
        for label in (*AGES, OLDEST):
            gauge.labels(kind.value, label).set(found[kind.value, label])


def add_deliveries(registry: CollectorRegistry, now: datetime) -> None:
    """Add neurocage_deliveries{result} of the last DELIVERIES_COUNTED. One query."""
    found = Delivery.objects.results_since(now - DELIVERIES_COUNTED)
    words = "Deliveries of notices that were made in the last 24 hours."
    gauge = Gauge("neurocage_deliveries", words, ["result"], registry=registry)
    for result, count in found.items():
        gauge.labels(result).set(count)


metrics.MORE += [add, add_deliveries]
