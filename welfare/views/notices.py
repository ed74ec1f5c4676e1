"""The notices of the person who asks, newest first."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import TemplateView

from cages.clock import now_of
from cages.views.access import CageAccessMixin
from neurocage.ids import id_from
from welfare.models import Notice

NOTICES_A_PAGE = 30


class NoticesView(CageAccessMixin, TemplateView):
    """GET shows them. POST marks as read those up to `newest`, which the page showed."""

    template_name = "welfare/notices/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = Notice.objects.filter(recipient=self.access.person).order_by("-pk")
        own = own.prefetch_related("deliveries__channel")
        page = Paginator(own, NOTICES_A_PAGE).get_page(self.request.GET.get("page"))
        shown = list(page.object_list)
        return super().get_context_data(
            page_obj=page,
            notices=shown,
            newest=shown[0].pk if shown else 0,
            has_unread=any(notice.read_at is None for notice in shown),
            **kwargs,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        newest = id_from(request.POST.get("newest", "")) or 0
        own = Notice.objects.filter(recipient=self.access.person, read_at=None)
        own.filter(pk__lte=newest).update(read_at=now_of(request))
        return redirect("notice-list")
