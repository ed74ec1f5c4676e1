"""The list of cages, and the list of archived ones."""

from django.views.generic import ListView

from cages.views.access import CageAccessMixin
from cages.views.live import LiveMixin

PAGE_SIZES = (25, 50, 100)
SEARCH_LIMIT = 100


class PagedListMixin:
    """25, 50 or 100 rows a page. A page that is not there shows the last, nonsense the first."""

    default_page_size = 50

    def get_paginate_by(self, queryset):
        wanted = self.request.GET.get("per_page", "")
        sizes = {str(size): size for size in PAGE_SIZES}
        return sizes.get(wanted, self.default_page_size)

    def paginate_queryset(self, queryset, page_size):
        paginator = self.get_paginator(queryset, page_size)
        page = paginator.get_page(self.request.GET.get(self.page_kwarg))
        return paginator, page, page.object_list, page.has_other_pages()

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        size = context["page_obj"].paginator.per_page
        return {**context, "page_sizes": PAGE_SIZES, "page_size": size}


class CageListView(LiveMixin, CageAccessMixin, PagedListMixin, ListView):
    """Made of what the address says (words, order, page, page size) and nothing else."""

    template_name = "cages/list.html"
    context_object_name = "cages"
    orders = {
        "worst": "Worst first",
        "label": "Label",
        "id": "Cage id",
        "position": "Position",
    }

    @property
    def words(self):
        # A NUL is text to Python and poison to PostgreSQL.
        return self.request.GET.get("q", "").replace("\x00", "").strip()[:SEARCH_LIMIT]

    @property
    def order(self):
        wanted = self.request.GET.get("order")
        return wanted if wanted in self.orders else "worst"

    def get_queryset(self):
        cages = super().get_queryset().active().in_order(self.order, self.now)
        return cages.matching(self.words) if self.words else cages

    def get_context_data(self, **kwargs):
        return super().get_context_data(
            words=self.words, order=self.order, orders=self.orders.items(), **kwargs
        )


class ArchivedListView(CageAccessMixin, PagedListMixin, ListView):
    template_name = "cages/archived.html"
    context_object_name = "cages"

    def get_queryset(self):
        return super().get_queryset().archived().order_by("-archived_at", "id")
