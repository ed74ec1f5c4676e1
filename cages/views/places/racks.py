"""Racks: all of them, one as it stands, its sheet on paper, its size, and what goes where."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView

from cages import racks
from cages.filters import text_from, trouble_in
from cages.forms.rack import RackSizeForm
from cages.models import Rack
from cages.views.access import CageAccessMixin
from cages.views.site.live import LiveMixin
from people.access import Permission
from people.views.permitted import PermittedMixin

CANDIDATES_SHOWN = 20


class RackIndexView(LiveMixin, CageAccessMixin, TemplateView):
    template_name = "racks/index.html"

    def get_context_data(self, **kwargs):
        rooms = racks.rooms_of(self.seen.active(), self.now)
        return super().get_context_data(
            rooms=rooms, trouble_count=sum(trouble_in(room.counts) for room in rooms), **kwargs
        )


class RackMixin(CageAccessMixin):
    """A view of the rack that the address names; 404 for who has no cage in it."""

    @cached_property
    def grid(self):
        room, rack = (text_from(self.request.GET, name) for name in ("room", "rack"))
        grid = racks.find(self.access, room, rack, self.now)
        if grid is None:
            raise Http404("No such rack.")
        return grid

    @property
    def rack_address(self):
        return f"{reverse('rack-detail')}?{self.grid.query}"

    def get_context_data(self, **kwargs):
        return super().get_context_data(grid=self.grid, rack_address=self.rack_address, **kwargs)


class RackDetailView(LiveMixin, RackMixin, TemplateView):
    template_name = "racks/detail.html"

    def get_context_data(self, **kwargs):
        # The tab's title is about what the tab shows.
        return super().get_context_data(trouble_count=trouble_in(self.grid.counts), **kwargs)


class RackSheetView(RackMixin, TemplateView):
    """The rack on paper."""

    template_name = "racks/sheet.html"


class RackSizeView(PermittedMixin, RackMixin, FormView):
    template_name = "racks/size.html"
    permission = Permission.RACK_SIZES
    form_class = RackSizeForm

    def get_form_kwargs(self):
        grid = self.grid
        return {
            **super().get_form_kwargs(),
            "grid": grid,
            "instance": grid.size or Rack(room=grid.room, name=grid.name),
        }

    def get_initial(self):
        rows, columns = self.grid.extent
        return {
            "row_count": rows or None,
            "column_count": columns or None,
            "rows_are_numbers": self.grid.is_numbered,
        }

    def form_valid(self, form):
        try:
            with transaction.atomic():
                form.save()
        except IntegrityError:
            messages.warning(
                self.request, _("Somebody else gave this rack a size just now. Please look again.")
            )
        else:
            messages.success(self.request, _("Saved."))
        return redirect(self.rack_address)


class RackFillView(RackMixin, TemplateView):
    """Which cage goes into an empty slot. Choosing one leads to its move, filled in."""

    template_name = "racks/fill.html"

    def get(self, request, *args, **kwargs):
        row, column = (text_from(request.GET, name) for name in ("row", "column"))
        slot = self.grid.slot_at(row, column)
        if slot is None:
            raise Http404("No such slot.")
        if not slot.is_empty:
            messages.warning(request, _("A cage stands in %s by now.") % slot.name)
            return redirect(self.rack_address)
        words = text_from(request.GET, "q")
        cages = self.changeable.active()
        if words:
            cages = cages.matching(words)
        found = racks.nearest_first(cages, self.grid.room, self.grid.name)
        found = list(found[: CANDIDATES_SHOWN + 1])
        context = self.get_context_data(
            slot=slot,
            words=words,
            cages=found[:CANDIDATES_SHOWN],
            has_more=len(found) > CANDIDATES_SHOWN,
            place=f"{self.grid.query}&{slot.query}",
        )
        return self.render_to_response(context)
