"""The list of cages, and the list of archived ones."""

from dataclasses import replace
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.generic import ListView

from cages.filters import ORDERS, CageFilter, facets
from cages.history.light import has_light, light_of
from cages.history.summaries import Share
from cages.history.window import Window
from cages.models import Cage, Condition
from cages.models.cage import CageQuerySet
from cages.models.state import HOUR_MINUTES
from cages.models.tally import STATES
from cages.slots import SLOT_LENGTH, slot_of
from cages.views.access import CageAccessMixin
from cages.views.site.live import LiveMixin

PAGE_SIZES = (25, 50, 100)
DEFAULT_PAGE_SIZE = 50
# Fields of the filter that are folded away on a phone.
NARROWED = ("room", "rack", "owner", "order")
# What can be done with many cages at once, after a confirmation.
# The acts of those who take care of cages, and of those who change what a cage is.
HANDLING_ACTS = {"move": _("Move")}
ACTS = {
    "pause": _("Pause"),
    "resume": _("Resume"),
    **HANDLING_ACTS,
    "archive": pgettext_lazy("act", "Archive"),
    "join": _("Hand over"),
}
# These need no confirmation. They have pages of their own, named "cage-<act>".
OTHER_ACTS = {
    "cards": _("Print cage cards"),
    "compare": _("Compare"),
    "rhythms": _("Rhythm of groups"),
    "export": _("Export"),
}


class CageListMixin(CageAccessMixin, ListView):
    """Pages of 25, 50 or 100 rows. A number too large gives the last page, other text the first."""

    context_object_name = "cages"

    def get_paginate_by(self, queryset: Any) -> int:
        wanted = self.request.GET.get("per_page", "")
        return next((size for size in PAGE_SIZES if wanted == str(size)), DEFAULT_PAGE_SIZE)

    def paginate_queryset(self, queryset: Any, page_size: int) -> tuple[Paginator, Page, Any, bool]:
        paginator = self.get_paginator(queryset, page_size)
        page = paginator.get_page(self.request.GET.get(self.page_kwarg))
        return paginator, page, page.object_list, page.has_other_pages()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        size = context["page_obj"].paginator.per_page
        return {**context, "page_sizes": PAGE_SIZES, "page_size": size}


class RowPaginator(Paginator):
    """Fetches a page of an ordered CageQuerySet without sorting whole rows."""

    def page(self, number: int | str) -> Page:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        ordered: Any = self.object_list
        return Page(ordered.rows(first, first + self.per_page), number, self)


class CageListView(LiveMixin, CageListMixin):
    """The list. Filter, order, page and page size are in the URL."""

    template_name = "cages/list.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.filter = CageFilter.from_query(request.GET)

    def get_queryset(self) -> CageQuerySet:
        cages = super().get_queryset().active()
        self.counts, self.choices = facets(cages, self.filter, self.now)
        return self.access.marked(self.filter.apply(cages, self.now))

    def get_paginator(self, queryset: Any, per_page: int, *args: Any, **kwargs: Any) -> Paginator:
        shown = self.filter.state
        count = self.counts.of(Condition(shown)) if shown else self.counts.total
        paginator = RowPaginator(queryset, per_page)
        # Known from the counts above the list, so no query counts again.
        paginator.count = count
        return paginator

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(
            filter=self.filter,
            orders=ORDERS.items(),
            # Worst first. Empty ones too, so that each keeps its place.
            states=[(state, self.counts.of(state), self.filter.toggled(state)) for state in STATES],
            unseen_bad=self.counts.unseen_bad,
            cage_count=self.counts.total,
            trouble_count=self.counts.trouble,
            everything=replace(self.filter, state=""),
            choices=self.choices,
            filter_words=self.filter.in_words(self._names()),
            narrowed=len([one for one in self.filter.fields if one[0] in NARROWED]),
            **kwargs,
        )
        today = Window.today(self.now)
        # Without the acts that the person may do to none of these.
        if any(cage.is_changeable for cage in context["cages"]) or context["is_paginated"]:
            changes = ACTS
        else:
            is_handled = any(cage.is_handled for cage in context["cages"])
            changes = HANDLING_ACTS if is_handled else {}
        context["acts"] = [*changes.items(), *OTHER_ACTS.items()]
        slot = slot_of(self.now)
        hour = Window(slot - HOUR_MINUTES * SLOT_LENGTH, slot)
        lights = light_of([cage.pk for cage in context["cages"]], hour)
        context["has_light"] = any(map(has_light, lights.values()))
        for cage in context["cages"]:
            cage.light_of_hour = lights[cage.pk]
            cage.state_now = cage.condition(self.now)
            cage.minutes_of_hour = cage.last_hour(self.now)
            cage.request_age = cage.known_state and cage.known_state.request_age(self.now)
            cage.known_today = _known_share(cage, today)
        return context

    def _names(self) -> dict[str, str]:
        """{"room", "rack" or "owner": the name of the chosen one}."""
        chosen = {kind: getattr(self.filter, kind) for kind in self.choices}
        return {kind: dict(self.choices[kind]).get(one, "") for kind, one in chosen.items() if one}


def _known_share(cage: Cage, today: Window) -> Share:
    """The share of today's minutes, since the cage was created, that are known."""
    state = cage.known_state
    known = state.known_in(timezone.localtime(today.start).date(), today.end) if state else 0
    return Share(known, today.since(cage.created_at).minutes)


class ArchivedListView(CageListMixin):
    template_name = "cages/archived.html"

    def get_queryset(self) -> CageQuerySet:
        return self.access.marked(super().get_queryset().archived().order_by("-archived_at", "id"))
