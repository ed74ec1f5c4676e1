"""The desk: open concerns, worst first, and those that were closed."""

from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.views.generic import TemplateView

from welfare.filters import WHOSE, ConcernFilter, facets_of
from welfare.models import Concern, Kind, Life, Look
from welfare.quality import DEFAULT_WINDOW_DAYS, WINDOW_DAYS
from welfare.views.access import ConcernAccessMixin, LiveConcernsMixin

ROWS_A_PAGE = 50
UNOPENED_AT_MOST = 100


def days_of(request: HttpRequest) -> int:
    """The window that the URL asks for, in days back from now."""
    wanted = request.GET.get("days", "")
    return next((days for days in WINDOW_DAYS if wanted == str(days)), DEFAULT_WINDOW_DAYS)


class DeskView(LiveConcernsMixin, TemplateView):
    """Open concerns. Filter and page are in the URL. The number of queries is fixed."""

    template_name = "welfare/desk.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen = ConcernFilter.from_query(self.request.GET)
        seen = self.concerns.open()
        facets = facets_of(seen, self.now)
        shown = chosen.apply(seen, self.access.person, self.now).with_places().worst_first()
        page = Paginator(shown, ROWS_A_PAGE).get_page(self.request.GET.get("page"))
        return super().get_context_data(
            filter=chosen,
            facets=facets,
            kinds=[
                (kind, facets.by_kind[kind], chosen.toggled(kind))
                for kind in Kind
                if facets.by_kind[kind] or chosen.kind == kind
            ],
            lives=[(life, facets.by_life[life]) for life in Life],
            whose=WHOSE.items(),
            rooms=sorted(facets.rooms.items(), key=lambda room: room[1]),
            page_obj=page,
            concerns=page.object_list,
            unopened_count=self._unopened(),
            **kwargs,
        )

    def _unopened(self) -> int:
        """How many concerns from rounds wait for somebody who may open one; UNOPENED_AT_MOST."""
        cages = self.seen.order_by().values("pk")
        return Look.objects.unopened().filter(cage__in=cages)[:UNOPENED_AT_MOST].count()


class ClosedView(ConcernAccessMixin, TemplateView):
    """Concerns that were closed within a window, the newest first."""

    template_name = "welfare/closed.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        days = days_of(self.request)
        page = Paginator(self._closed(days), ROWS_A_PAGE).get_page(self.request.GET.get("page"))
        return super().get_context_data(
            days=days,
            windows=WINDOW_DAYS,
            page_obj=page,
            concerns=page.object_list,
            trouble_count=0,
            **kwargs,
        )

    def _closed(self, days: int) -> QuerySet[Concern]:
        since = self.now - timedelta(days=days)
        closed = self.concerns.filter(closed_at__gte=since)
        return closed.with_places().order_by("-closed_at", "-pk")
