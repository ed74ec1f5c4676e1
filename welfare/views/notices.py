"""The notices of the person who asks, newest first, and what they want to be told."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from cages.models import Room
from cages.views.access import CageAccessMixin
from neurocage.ids import id_from
from welfare.forms.wish import WishForm
from welfare.models import Notice, Wish

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
        own.filter(pk__lte=newest).update(read_at=self.now)
        return redirect("notice-list")


class WishView(CageAccessMixin, TemplateView):
    """What the person wants to be told."""

    template_name = "welfare/notices/wish.html"
    form: WishForm | None = None

    def post(self, request: HttpRequest) -> HttpResponse:
        self.form = form = self._form(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data())
        form.save()
        messages.success(request, _("Saved."))
        return redirect("notice-wish")

    def _form(self, sent: Any = None) -> WishForm:
        person = self.access.person
        wish = Wish.objects.filter(person=person).first() or Wish(person=person)
        rooms = Room.objects.filter(pk__in=self.seen.active().values("room")).order_by("sort_key")
        return WishForm(person, rooms, sent, instance=wish)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(form=self.form or self._form(), **kwargs)
