"""What every page shows, whatever it is about."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from cages.models import PollCycle


@dataclass(frozen=True, slots=True)
class Watch:
    """How well Neurocage itself is watching."""

    cycle: PollCycle | None
    now: datetime

    @property
    def is_stale(self):
        return self.cycle is None or self.cycle.is_stale(self.now)


def watch(request):
    """The last full cycle, read once, and only on pages that show it."""
    now = timezone.now()
    return {
        "watch": SimpleLazyObject(lambda: Watch(PollCycle.objects.last_finished(), now)),
        "now": now,
        "facility_time_zone": settings.FACILITY_TIME_ZONE,
    }
