"""Who is on duty: everybody may look, administrators change it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import TemplateView

from cages.views.access import CageAccessMixin
from neurocage.ids import id_from
from people.access import Permission
from welfare.forms.duty import ShiftForm, TimesForm
from welfare.models import DutyShift, NoticeSettings

SHIFTS_A_PAGE = 50


class DutyView(CageAccessMixin, TemplateView):
    """POST with `act`: "add", "remove" (with `shift`) or "set" the times."""

    template_name = "welfare/notices/duty.html"
    refused: ShiftForm | TimesForm | None = None

    def post(self, request: HttpRequest) -> HttpResponse:
        if not self.access.may(Permission.DUTY):
            raise PermissionDenied
        act = request.POST.get("act", "")
        if act == "remove":
            number = id_from(request.POST.get("shift", "")) or 0
            DutyShift.objects.filter(pk=number).delete()
        elif act in ("add", "set"):
            form = (
                ShiftForm(request.POST, now=self.now)
                if act == "add"
                else TimesForm(request.POST, instance=self._settings())
            )
            if not form.is_valid():
                self.refused = form
                return self.render_to_response(self.get_context_data())
            form.save()
        return redirect("notice-duty")

    def _settings(self) -> NoticeSettings:
        return NoticeSettings.objects.filter(pk=1).first() or NoticeSettings(pk=1)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        refused, row = self.refused, self._settings()
        shifts = DutyShift.objects.not_ended(self.now).select_related("person")
        pages = Paginator(shifts.order_by("starts_at", "place", "pk"), SHIFTS_A_PAGE)
        return super().get_context_data(
            page_obj=pages.get_page(self.request.GET.get("page")),
            minutes=row.escalates_after_minutes,
            form=refused if isinstance(refused, ShiftForm) else ShiftForm(now=self.now),
            times=refused if isinstance(refused, TimesForm) else TimesForm(instance=row),
            **kwargs,
        )
