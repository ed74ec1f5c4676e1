"""The wall: one room, or all rooms, on a large screen. It names cages, never people."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView

from cages import rate_limit
from cages.clock import now_of
from cages.filters import text_from
from cages.models import Rank, Room, WallLink
from cages.places import overview
from cages.views.access import CageAccessMixin
from cages.views.site.live import LiveMixin
from neurocage.ids import id_from
from people.access import ScreenAccess
from people.preferences import THEMES

# As many as fit on a screen of 1920 by 1080, because nobody scrolls a wall.
TROUBLED_SHOWN = 12
# A screen asks every 5 s, so eight screens may show one link.
SCREEN_REQUESTS_A_MINUTE = 120
# Instead of the id of a room in the URL.
ALL_ROOMS = "all"


@dataclass(frozen=True, slots=True)
class Place:
    """What a wall shows: a room, the cages that name no room (`is_nowhere`), or all rooms."""

    room_id: int | None = None
    is_nowhere: bool = False
    is_everywhere: bool = False


class WallMixin(LiveMixin):
    """The wall of a Place.

    A room without cages stays a page, so that a screen that nobody looks after says so.
    """

    def wall_of(self, place: Place) -> dict[str, Any]:
        """What the template shows; five queries."""
        cages = self.seen.active()
        if place.is_nowhere:
            cages = cages.filter(room=None)
        elif not place.is_everywhere:
            cages = cages.filter(room=place.room_id) if place.room_id else cages.none()
        counts = cages.tally(self.now)
        room = Room.objects.filter(pk=place.room_id or 0)
        return {
            # The name of a room is for people who may see a cage in it.
            "room": room.filter(pk__in=cages.order_by().values("room")).first(),
            "place": place,
            "bad": Rank.BAD,
            "counts": counts,
            "cage_count": counts.total,
            "trouble_count": counts.trouble,
            "troubled": cages.in_trouble(self.now)
            .worst_first(self.now)
            .select_related("state", "room", "rack")[:TROUBLED_SHOWN],
            "rest": max(counts.trouble - TROUBLED_SHOWN, 0),
        }


class WallView(WallMixin, CageAccessMixin, TemplateView):
    """One room or all, or a choice of rooms where the URL names none.

    An empty `room` means the cages that name no room.
    """

    def get_template_names(self) -> list[str]:
        return [
            "cages/racks/wall.html" if "room" in self.request.GET else "cages/racks/wall_rooms.html"
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if "room" in self.request.GET:
            wanted = text_from(self.request.GET, "room")
            place = Place(id_from(wanted), not wanted, wanted == ALL_ROOMS)
            return super().get_context_data(**self.wall_of(place), **kwargs)
        rooms = overview.rooms_of(self.seen.active(), self.now)
        return super().get_context_data(
            rooms=rooms, trouble_count=sum(room.counts.trouble for room in rooms), **kwargs
        )


@method_decorator(login_not_required, name="dispatch")
class WallScreenView(WallMixin, TemplateView):
    """The wall of a link. It needs no session, so nobody is ever signed out of it."""

    template_name = "cages/racks/wall.html"
    http_method_names = ["get", "head", "options"]
    link: WallLink | None

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        # Not the setup of CageAccessMixin, which asks who is signed in.
        super(CageAccessMixin, self).setup(request, *args, **kwargs)
        self.now = now_of(request)
        self.link = WallLink.objects.of_secret(self.kwargs["secret"])
        self.access = ScreenAccess(self.link.pk if self.link else 0)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        link = self.link
        if link is None:
            response: HttpResponseBase = self._refused()
        elif refusal := rate_limit.take(f"wall:{link.digest}", SCREEN_REQUESTS_A_MINUTE, self.now):
            response = HttpResponse("Too many requests.\n", "text/plain", status=429)
            response["Retry-After"] = str(refusal.seconds)
        else:
            link.note_use(self.now)
            response = super().dispatch(request, *args, **kwargs)
        # No other server may learn the secret.
        response["Referrer-Policy"] = "no-referrer"
        return response

    def _refused(self) -> HttpResponse:
        response = render(self.request, "cages/racks/no_link.html", status=404)
        # An open screen loads the page anew, and shows that its link was revoked.
        response["HX-Refresh"] = "true"
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        room_id = self.link.room_id if self.link else None
        place = Place(room_id, is_everywhere=room_id is None)
        wanted = self.request.GET.get("theme", "")
        # A screen has nobody who chooses a theme, so the URL may name one.
        theme = {"theme": wanted} if wanted in THEMES else {}
        return super().get_context_data(**self.wall_of(place), is_screen=True, **theme, **kwargs)
