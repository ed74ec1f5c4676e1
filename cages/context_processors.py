"""Variables that every template gets."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from cages.clock import now_of
from cages.drawing import light
from cages.history import chance
from cages.models import Cage, PollCycle
from cages.operations import outage
from people.access import Access
from people.models import User


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the frame of every page needs.

    watch: whether Neurocage itself is watching. One query, and only on pages that show it.
    silence: what the newest full cycle says of the sensors (chance.Silence), or None.
    outage: what keeps Neurocage from writing. Redis is asked, and only on pages that show it.
    facility_light: ZT and phase now, where all rooms have the same light. One query, and only on
    pages that show it.
    is_refresh: whether an open page asks for its new content. It has shown its messages already.
    """
    now = now_of(request)
    watch = SimpleLazyObject(lambda: PollCycle.objects.watch(now))
    return {
        "is_refresh": request.headers.get("HX-Request") == "true",
        "watch": watch,
        "outage": SimpleLazyObject(outage.told),
        "facility_light": SimpleLazyObject(lambda: light.of_facility(now)),
        "silence": SimpleLazyObject(lambda: _silence(request, watch.last_finished)),
        "now": now,
        "facility_time_zone": settings.FACILITY_TIME_ZONE,
    }


def _silence(request: HttpRequest, cycle: PollCycle | None) -> chance.Silence | None:
    """What this person may know of it: racks are named to people who see a cage in them."""
    found = chance.silence_of(cycle, now_of(request)) if cycle else None
    if found is None or not found.racks:
        return found
    person = getattr(request, "user", None)
    if not isinstance(person, User):
        return found.within(())
    cages = Cage.objects.active().filter(rack__in=[rack.rack_id for rack in found.racks])
    return found.within(set(Access(person).sees(cages).values_list("rack_id", flat=True)))
