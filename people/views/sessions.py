"""Where a person is signed in, and the way to end that everywhere."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from people.access import person_of
from people.addresses import UNKNOWN_ADDRESS
from people.models import Act, SignInAct, User

SHOWN = 50


def sessions_of(person: User) -> QuerySet[UserSession]:
    """The sessions that have not ended, the last used one first."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    return UserSession.objects.filter(Exists(alive), user=person).order_by("-last_seen_at", "-pk")


class SessionsView(TemplateView):
    """Lists the person's sessions. A posted form ends all but the one that posts it."""

    template_name = "people/sessions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = list(sessions_of(person_of(self.request))[:SHOWN])
        here = self.request.session.session_key
        return super().get_context_data(
            own=own, here=here, shown=SHOWN, unknown_address=UNKNOWN_ADDRESS, **kwargs
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        person = person_of(request)
        others = UserSession.objects.filter(user=person).exclude(
            session_key=request.session.session_key
        )
        Session.objects.filter(session_key__in=others.values("session_key")).delete()
        others.delete()
        SignInAct.objects.note(Act.SIGNED_OUT_EVERYWHERE, request, person=person)
        messages.success(request, _("All your other sessions have ended."))
        return redirect("sessions")
