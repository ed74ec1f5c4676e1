"""Light schedules, and which of them each room has now."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView

from cages.forms.light import ScheduleForm
from cages.models import LightPeriod, LightSchedule, Room
from cages.models.light import SCHEDULES_AT_MOST
from cages.views.access import CageAccessMixin
from people.access import Permission

ROOMS_A_PAGE = 50


class LightMixin(CageAccessMixin):
    """A view of light. Rooms are those in which the person sees a cage."""

    @property
    def rooms(self) -> Any:
        return Room.objects.filter(pk__in=self.seen.active().order_by().values("room"))

    @property
    def may_make_schedules(self) -> bool:
        """Whoever says which light a room or a cage has. One query at most."""
        return self.access.may(Permission.ROOMS) or self.changeable.active().exists()


class LightView(LightMixin, TemplateView):
    template_name = "cages/light/index.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        number = self.request.GET.get("page")
        page = Paginator(self.rooms.order_by("sort_key", "id"), ROOMS_A_PAGE).get_page(number)
        ids = [room.pk for room in page.object_list]
        present = {one.room_id: one for one in LightPeriod.objects.present(ids, self.now)}
        coming = {one.room_id: one for one in LightPeriod.objects.coming(ids, self.now)}
        return super().get_context_data(
            page_obj=page,
            rooms=[(room, present.get(room.pk), coming.get(room.pk)) for room in page.object_list],
            schedules=LightSchedule.objects.annotate(
                is_used=Exists(LightPeriod.objects.filter(schedule=OuterRef("pk")))
            )[:SCHEDULES_AT_MOST],
            may_make=self.may_make_schedules,
            **kwargs,
        )


class ScheduleMixin(LightMixin):
    """A view of whoever makes schedules."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.may_make_schedules:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)


class ScheduleCreateView(ScheduleMixin, FormView):
    template_name = "cages/light/new.html"
    form_class = ScheduleForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "now": self.now}

    def form_valid(self, form: ScheduleForm) -> HttpResponse:
        schedule = form.save()
        words = _("%(name)s is made. Choose it for a room or a cage.")
        messages.success(self.request, words % {"name": schedule.name})
        return redirect("light")


class ScheduleRemoveView(ScheduleMixin, TemplateView):
    """Remove a schedule that nothing uses. The record of changes keeps what it was."""

    template_name = "cages/light/remove_schedule.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        schedule = get_object_or_404(LightSchedule, pk=self.kwargs["pk"])
        return super().get_context_data(
            schedule=schedule, is_used=schedule.periods.exists(), **kwargs
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        schedule = get_object_or_404(LightSchedule, pk=self.kwargs["pk"])
        if _removed(schedule):
            messages.success(request, _("%(name)s is removed.") % {"name": schedule.name})
        else:
            messages.warning(
                request, _("%(name)s stays: a room or a cage uses it.") % {"name": schedule.name}
            )
        return redirect("light")


def _removed(schedule: LightSchedule) -> bool:
    """Remove it where nothing uses it; returns whether it is gone."""
    try:
        with transaction.atomic():
            unused = LightSchedule.objects.unused().filter(pk=schedule.pk)
            removed, _by_table = unused.delete()
    except IntegrityError:
        # A place was given it meanwhile. The database refuses that at the end.
        return False
    return bool(removed)
