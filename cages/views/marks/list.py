"""All marks that a person sees, and the file of them."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from cages import marking
from cages.exporting.marks import pieces_of
from cages.exporting.sending import Sending
from cages.forms.mark import MarkFilter
from cages.models.mark import MarkQuerySet
from cages.views.access import CageAccessMixin
from cages.views.history.exporting import file_response
from neurocage.limits import EXPORTS

ROWS_A_PAGE = 50


class MarksMixin(CageAccessMixin):
    """The URL says which marks: room, rack, cage, kind, and days."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.form = MarkFilter(request.GET, self.seen)

    @property
    def marks(self) -> MarkQuerySet:
        return self.form.apply(marking.seen_by(self.access))


class MarkListView(MarksMixin, TemplateView):
    """The newest first, withdrawn ones too. The number of queries is fixed."""

    template_name = "cages/marks/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        marks = self.marks.with_names().order_by("-starts_at", "-pk")
        page = Paginator(marks, ROWS_A_PAGE).get_page(self.request.GET.get("page"))
        query = self.request.GET.copy()
        query.pop("page", None)
        return super().get_context_data(
            form=self.form,
            page_obj=page,
            marks=page.object_list,
            is_filtered=any(query.values()),
            query=query.urlencode(),
            **kwargs,
        )


class MarkExportView(MarksMixin):
    """The marks of the list as CSV."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        place = EXPORTS.take(self.access.person.pk)
        if place is None:
            messages.warning(request, _("Too many exports are running. Try again later."))
            return redirect(f"{reverse('mark-list')}?{request.GET.urlencode()}")
        name = f"neurocage-marks-{timezone.localtime(self.now).date()}"
        return file_response(Sending(pieces_of(self.marks), place), name, "csv")
