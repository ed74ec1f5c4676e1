"""The wall: one room on a large screen. It names cages, never people."""

from typing import Any

from django.views.generic import TemplateView

from cages.filters import text_from
from cages.models import Rank, Room
from cages.models.cage import CageQuerySet
from cages.places import overview
from cages.views.access import CageAccessMixin
from cages.views.site.live import LiveMixin
from neurocage.ids import id_from

# As many as fit on a screen of 1920 by 1080, because nobody scrolls a wall.
TROUBLED_SHOWN = 12


class WallView(LiveMixin, CageAccessMixin, TemplateView):
    """One room, or a choice of rooms where the URL names none.

    An empty `room` means the cages that name no room. A room without cages stays a page, so that a
    screen that nobody looks after says so.
    """

    def get_template_names(self) -> list[str]:
        return [
            "cages/racks/wall.html" if "room" in self.request.GET else "cages/racks/wall_rooms.html"
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        cages = self.seen.active()
        if "room" in self.request.GET:
            return super().get_context_data(**self._room(cages), **kwargs)
        rooms = overview.rooms_of(cages, self.now)
        trouble_count = sum(room.counts.trouble for room in rooms)
        return super().get_context_data(rooms=rooms, trouble_count=trouble_count, **kwargs)

    def _room(self, cages: CageQuerySet) -> dict[str, Any]:
        wanted = text_from(self.request.GET, "room")
        room_id = id_from(wanted)
        is_nowhere = not wanted
        if room_id is None and not is_nowhere:
            cages = cages.none()
        cages = cages.filter(room=room_id)
        counts = cages.tally(self.now)
        return {
            # The name of a room is for people who may see a cage in it.
            "room": Room.objects.filter(pk__in=cages.order_by().values("room")).first(),
            "is_nowhere": is_nowhere,
            "bad": Rank.BAD,
            "counts": counts,
            "cage_count": counts.total,
            "trouble_count": counts.trouble,
            "troubled": cages.in_trouble(self.now)
            .worst_first(self.now)
            .select_related("state", "rack")[:TROUBLED_SHOWN],
            "rest": max(counts.trouble - TROUBLED_SHOWN, 0),
        }
