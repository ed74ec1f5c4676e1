"""Variables that every template gets."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from cages import outage
from cages.clock import now_of
from cages.models import PollCycle


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the frame of every page needs.

    watch: whether Neurocage itself is watching. One query, and only on pages that show it.
    outage: what keeps Neurocage from writing. Redis is asked, and only on pages that show it.
    is_refresh: whether an open page asks for its new content. It has shown its messages already.
    """
    now = now_of(request)
    return {
        "is_refresh": request.headers.get("HX-Request") == "true",
        "watch": SimpleLazyObject(lambda: PollCycle.objects.watch(now)),
        "outage": SimpleLazyObject(outage.told),
        "now": now,
        "facility_time_zone": settings.FACILITY_TIME_ZONE,
    }
