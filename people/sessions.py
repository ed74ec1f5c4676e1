"""How long a session lives, and where a person is signed in."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from people.models import User

BEGAN, SEEN = "began", "seen"
SEEN_NOTED_EVERY = timedelta(minutes=1)
# Deleted in one run at most. The next run goes on.
DELETED_AT_ONCE = 10_000


@receiver(user_logged_in)
def begin(request: HttpRequest, user: User, **kwargs: Any) -> None:
    now = timezone.now().timestamp()
    request.session[BEGAN] = request.session[SEEN] = now
    # allauth does it for its own sign-in only, not for the set-up.
    UserSession.objects.create_from_request(request, user=user)


class SessionLimitsMiddleware:
    """Ends a session that nobody used for SESSION_IDLE_MINUTES, or that is too old.

    A page that refreshes itself is no use: a person who has gone away leaves it open.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if BEGAN in request.session:
            now = timezone.now()
            began, seen = (
                now - datetime.fromtimestamp(request.session[name], tz=now.tzinfo)
                for name in (BEGAN, SEEN)
            )
            idle = timedelta(minutes=settings.SESSION_IDLE_MINUTES)
            if seen > idle or began > timedelta(seconds=settings.SESSION_COOKIE_AGE):
                logout(request)
            elif seen >= SEEN_NOTED_EVERY and "HX-Request" not in request.headers:
                request.session[SEEN] = now.timestamp()
                mine = UserSession.objects.filter(session_key=request.session.session_key)
                mine.update(last_seen_at=now)
        return self.get_response(request)


def delete_expired(now: datetime) -> int:
    """Delete sessions that have expired, DELETED_AT_ONCE at most, and what is noted of them."""
    expired = Session.objects.filter(expire_date__lt=now)[:DELETED_AT_ONCE]
    keys = list(expired.values_list("pk", flat=True))
    deleted: int = Session.objects.filter(pk__in=keys).delete()[0]
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    ended = UserSession.objects.filter(~Exists(alive))[:DELETED_AT_ONCE]
    UserSession.objects.filter(pk__in=list(ended.values_list("pk", flat=True))).delete()
    return deleted
