"""Which cages an act or a print is about: those ticked in the list, or all that it lists."""

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from cages.filters import CageFilter
from cages.models.cage import CageQuerySet
from cages.views.access import CageAccessMixin
from cages.views.cages.list import PAGE_SIZES
from neurocage.ids import id_from


def ticked_ids(query):
    """The ids that the address names, as many as a page can have ticked."""
    return {id_from(one) for one in query.getlist("cage")[: max(PAGE_SIZES)]} - {None}


class SelectionMixin(CageAccessMixin):
    """The address says which: `cage=1&cage=3`, or `which=all` and the list's own filter.

    self.cages: those that the person may see, in the list's order; never archived.
    """

    def selectable(self) -> CageQuerySet:
        """The cages that can be selected, archived ones too."""
        return self.seen

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.filter = CageFilter.from_query(request.GET)
        possible = self.selectable().active()
        if request.GET.get("which") == "all":
            self.cages = self.filter.apply(possible, self.now)
        else:
            self.cages = possible.filter(pk__in=ticked_ids(request.GET)).in_order(
                self.filter.order, self.now
            )

    @cached_property
    def count(self):
        return self.cages.count()

    @property
    def list_address(self):
        query = self.filter.query
        return reverse("cage-list") + (f"?{query}" if query else "")

    def nothing_selected(self):
        messages.warning(self.request, _("Select one or more cages first."))
        return redirect(self.list_address)
