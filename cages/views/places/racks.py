"""Racks: the overview, one rack, its print sheet, its name and size, and filling a bay."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, UpdateView

from cages.filters import text_from
from cages.forms.place import RackForm, RoomForm
from cages.marking import Taps, held_of, taps_of
from cages.models import Rack, Room
from cages.places import grid as grids
from cages.places import maps, overview
from cages.views.access import CageAccessMixin
from cages.views.site.live import LiveMixin
from neurocage.ids import id_from
from people.access import Permission
from people.views.permitted import PermittedMixin

CANDIDATES_SHOWN = 20
# A map of a full rack takes about 1 KB.
MAPS_SHOWN = 60
ROOMS_SHOWN = 30


class RackIndexView(LiveMixin, CageAccessMixin, TemplateView):
    """All rooms with maps of their worst racks, or all racks of the room that the URL names."""

    template_name = "cages/racks/index.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        cages = self.seen.active()
        rooms = overview.rooms_of(cages, self.now)
        chosen = self._chosen(rooms)
        number = self.request.GET.get("page")
        if chosen:
            page: Any = Paginator(chosen.racks, MAPS_SHOWN).get_page(number)
            shown: Any = [(chosen, list(page.object_list))]
        else:
            page = Paginator(rooms, ROOMS_SHOWN).get_page(number)
            each = max(MAPS_SHOWN // max(len(page.object_list), 1), 1)
            shown = [(room, room.racks[:each]) for room in page.object_list]
        ids = [rack.id for _room, racks in shown for rack in racks if rack.id]
        drawn = maps.maps_of(cages, ids, self.now)
        return super().get_context_data(
            rooms=[
                (room, [(rack, drawn.get(rack.id or 0)) for rack in racks]) for room, racks in shown
            ],
            chosen=chosen,
            page_obj=page,
            counts=overview.all_of(rooms),
            taps=self._taps(chosen.id) if chosen and chosen.id else None,
            trouble_count=sum(room.counts.trouble for room in rooms),
            **kwargs,
        )

    def _taps(self, room_id: int) -> Taps | None:
        room = Room(pk=room_id)
        return taps_of(room, held_of(room, self.access))

    def _chosen(self, rooms: list[overview.RoomSummary]) -> overview.RoomSummary | None:
        """The room that the URL names. Without a number: the cages that name no room."""
        if "room" not in self.request.GET:
            return None
        wanted = text_from(self.request.GET, "room")
        room_id = id_from(wanted)
        found = [room for room in rooms if room.id == room_id and (room_id or not wanted)]
        if not found:
            raise Http404("No such room.")
        return found[0]


class RackMixin(CageAccessMixin):
    """A view of the rack in the URL; 404 for people who see no cage in it."""

    @cached_property
    def grid(self) -> grids.Grid:
        found = grids.find(self.access, self.kwargs["pk"], self.now)
        if found is None:
            raise Http404("No such rack.")
        return found

    @property
    def rack_url(self) -> str:
        return reverse("rack-detail", args=[self.kwargs["pk"]])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(grid=self.grid, rack_url=self.rack_url, **kwargs)


class RackDetailView(LiveMixin, RackMixin, TemplateView):
    template_name = "cages/racks/detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rack = self.grid.rack
        return super().get_context_data(
            may_fill=self.handled.active().exists(),
            taps=taps_of(rack, held_of(rack, self.access)),
            # The title of the tab counts the trouble in this rack only.
            trouble_count=self.grid.counts.trouble,
            **kwargs,
        )


class RackSheetView(RackMixin, TemplateView):
    """The rack, to print."""

    template_name = "cages/racks/sheet.html"


class RenamingView(PermittedMixin, CageAccessMixin, UpdateView):
    """Save the name of a room or a rack."""

    context_object_name = "place"

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            form.save_for(self.now)
        except IntegrityError:
            messages.warning(
                self.request, _("Somebody else has just used this name. Choose another one.")
            )
        else:
            messages.success(self.request, _("Saved."))
        return redirect(self.get_success_url())


class RackSizeView(RackMixin, RenamingView):
    """The name of a rack, its rows and its columns."""

    template_name = "cages/racks/size.html"
    permission = Permission.RACK_SIZES
    form_class = RackForm

    def get_object(self, queryset: QuerySet[Rack] | None = None) -> Rack:
        return self.grid.rack

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "grid": self.grid}

    def get_success_url(self) -> str:
        return self.rack_url


class RoomEditView(RenamingView):
    """The name of a room."""

    template_name = "cages/racks/room.html"
    permission = Permission.ROOMS
    form_class = RoomForm

    def get_queryset(self) -> QuerySet[Room]:  # type: ignore[override]
        return Room.objects.filter(pk__in=self.seen.active().order_by().values("room"))

    def get_success_url(self) -> str:
        return reverse("rack-index")


class RackFillView(RackMixin, TemplateView):
    """Choose a cage for an empty bay. It leads to the form that moves the cage."""

    template_name = "cages/racks/fill.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row, column = (text_from(request.GET, name) for name in ("row", "column"))
        bay = self.grid.bay_at(row, column)
        if bay is None:
            raise Http404("No such bay.")
        if not bay.is_empty:
            messages.warning(request, _("There is now a cage in %s.") % bay.name)
            return redirect(self.rack_url)
        words = text_from(request.GET, "q")
        cages = self.handled.active().with_place()
        if words:
            cages = cages.matching(words)
        found = list(grids.nearest_first(cages, self.grid.rack)[: CANDIDATES_SHOWN + 1])
        context = self.get_context_data(
            bay=bay,
            words=words,
            cages=found[:CANDIDATES_SHOWN],
            has_more=len(found) > CANDIDATES_SHOWN,
        )
        return self.render_to_response(context)
