"""The cages selected on the list: those ticked, or all that it shows."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from cages.filters import CageFilter
from cages.models.cage import CageQuerySet
from cages.views.access import CageAccessMixin
from cages.views.cages.list import PAGE_SIZES
from neurocage.ids import id_from


def ticked_ids(query: QueryDict) -> set[int]:
    """The ids in the URL, at most as many as a page of the list has."""
    ids = map(id_from, query.getlist("cage")[: max(PAGE_SIZES)])
    return {one for one in ids if one is not None}


class SelectionMixin(CageAccessMixin):
    """The URL says which cages: `cage=1&cage=3`, or `which=all` and the list's filter.

    self.cages: those that the person may see, in the list's order; never archived.
    """

    def selectable(self) -> CageQuerySet:
        """The cages that can be selected, archived ones too."""
        return self.seen

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
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
    def count(self) -> int:
        return self.cages.count()

    @property
    def list_address(self) -> str:
        query = self.filter.query
        return reverse("cage-list") + (f"?{query}" if query else "")

    def nothing_selected(self) -> HttpResponse:
        messages.warning(self.request, _("Select one or more cages first."))
        return redirect(self.list_address)
