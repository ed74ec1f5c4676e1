"""Drills: start one, and see how long each took."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from cages.views.access import CageAccessMixin
from people.access import Permission
from people.views.permitted import PermittedMixin
from welfare.desk import DRILL_LASTS
from welfare.models.notice import DRILL_DUE_AFTER
from welfare.notices import drill


class DrillView(PermittedMixin, CageAccessMixin, TemplateView):
    permission = Permission.DUTY
    template_name = "welfare/notices/drill.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        drill.begin(self.access.person, self.now)
        messages.success(request, _("The drill has begun. Check whether its message arrives."))
        return redirect("notice-drill")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            drills=drill.newest(),
            is_due=drill.is_due(self.now),
            due_days=DRILL_DUE_AFTER.days,
            drill_hours=int(DRILL_LASTS.total_seconds() // 3600),
            **kwargs,
        )
