"""The wall: one room on a large screen, to be read from the door. It names cages, never people."""

from django.views.generic import TemplateView

from cages import racks
from cages.filters import CageFilter, text_from, trouble_in
from cages.views.access import CageAccessMixin
from cages.views.site.live import LiveMixin

# What a screen of 1920 by 1080 holds. Nobody scrolls a wall.
TROUBLED_SHOWN = 12


class WallView(LiveMixin, CageAccessMixin, TemplateView):
    """Without a room in the address: which room? A room without cages stays a page, so that a
    screen on the wall that was left alone says so."""

    def get_template_names(self):
        return ["racks/wall.html" if "room" in self.request.GET else "racks/wall_rooms.html"]

    def get_context_data(self, **kwargs):
        cages = self.seen.active()
        about = self._room(cages) if "room" in self.request.GET else self._rooms(cages)
        return super().get_context_data(**about, **kwargs)

    def _rooms(self, cages):
        rooms = racks.rooms_of(cages, self.now)
        return {"rooms": rooms, "trouble_count": sum(trouble_in(room.counts) for room in rooms)}

    def _room(self, cages):
        room = text_from(self.request.GET, "room")
        cages = cages.filter(room__iexact=room)
        counts = CageFilter().counts(cages, self.now)
        trouble = trouble_in(counts)
        return {
            "room": room,
            "counts": {state: count for state, count in counts.items() if count},
            "cage_count": sum(counts.values()),
            "trouble_count": trouble,
            "troubled": cages.in_trouble(self.now)
            .worst_first(self.now)
            .select_related("state")[:TROUBLED_SHOWN],
            "rest": max(trouble - TROUBLED_SHOWN, 0),
        }
