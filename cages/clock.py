"""The moment of a request."""

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone


def now_of(request: HttpRequest) -> datetime:
    """The moment of the request, in UTC. Whoever asks gets the same, so a page has one clock."""
    moment: datetime = vars(request).setdefault("moment", timezone.now())
    return moment
