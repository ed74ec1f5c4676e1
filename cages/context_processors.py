"""Variables that every template gets."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from cages.clock import now_of
from cages.models import PollCycle


def watch(request: HttpRequest) -> dict[str, Any]:
    """Whether Neurocage itself is watching. One query, and only on pages that show it."""
    now = now_of(request)
    return {
        "watch": SimpleLazyObject(lambda: PollCycle.objects.watch(now)),
        "now": now,
        "facility_time_zone": settings.FACILITY_TIME_ZONE,
    }


def frame(request: HttpRequest) -> dict[str, Any]:
    """`is_refresh`: whether an open page asks for its new content."""
    return {
        # Such a page has shown its messages already.
        "is_refresh": request.headers.get("HX-Request") == "true",
    }
