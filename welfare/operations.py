"""What the operations page shows of sensors by rack, and of the deliveries of notices."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from cages.operations import sections
from cages.operations.sections import Section
from welfare import fleet
from welfare.metrics import DELIVERIES_COUNTED
from welfare.models import Delivery
from welfare.notices.ways import Refused, refused

RACKS_SHOWN = 3
REFUSED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Deliveries:
    """results: of those made in the last `hours`. The rest: those that wait now, however old.

    due: how many of them should have been sent by now. oldest: when the oldest of these was made.
    refused: REFUSED_SHOWN people at most, whose address the mail server does not take.
    """

    hours: int
    results: dict[str, int]
    waiting: int
    due: int
    oldest: datetime | None
    refused: list[Refused]

    @property
    def made(self) -> int:
        return sum(self.results.values())

    @property
    def later(self) -> int:
        """How many wait for their time."""
        return self.waiting - self.due


def deliveries(now: datetime) -> Deliveries:
    """Three queries."""
    is_due = Q(due_at__lte=now)
    waiting = Delivery.objects.waiting().aggregate(
        waiting=Count("pk"),
        due=Count("pk", filter=is_due),
        oldest=Min("made_at", filter=is_due),
    )
    hours = round(DELIVERIES_COUNTED.total_seconds() / 3600)
    results = Delivery.objects.results_since(now - DELIVERIES_COUNTED)
    return Deliveries(hours, results, **waiting, refused=refused()[:REFUSED_SHOWN])


def sensors_section(now: datetime) -> Section:
    return Section("welfare/_ops_sensors.html", fleet.racks(RACKS_SHOWN))


def deliveries_section(now: datetime) -> Section:
    return Section("welfare/_ops_deliveries.html", deliveries(now))


sections.MORE += [sensors_section, deliveries_section]
