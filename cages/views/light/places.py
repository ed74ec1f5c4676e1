"""Which light a room or a cage has since when: look at it, change it, remove a wrong change."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView

from cages.drawing import light as light_words
from cages.forms.light import PeriodForm
from cages.history.light import Runs, light_of, light_of_room
from cages.history.window import DAY, Window
from cages.models import Cage, LightPeriod, Room
from cages.models.light import PERIODS_AT_MOST
from cages.slots import SLOT_LENGTH, slot_of
from cages.views.light.schedules import LightMixin
from people.access import Permission
from people.acting import because
from people.forms.reason import ReasonForm

# Far enough back that the run of now is whole, so that its "since" is right.
LOOKED_BACK = 2 * DAY


class PlaceMixin(LightMixin):
    """A view of the light of `self.place`, which the person sees; 404 else."""

    @cached_property
    def place(self) -> Room | Cage:
        raise NotImplementedError

    @property
    def may_change_light(self) -> bool:
        place = self.place
        if isinstance(place, Room):
            return self.access.may(Permission.ROOMS)
        return self.access.may_change(place) and not place.is_archived

    @property
    def periods(self) -> Any:
        """The periods of the place, newest first."""
        place = self.place
        name = "room" if isinstance(place, Room) else "cage"
        here = LightPeriod.objects.filter(**{name: place})
        return here.select_related("schedule", "noted_by").order_by("-starts_at", "-id")

    @property
    def place_url(self) -> str:
        place = self.place
        name = "room-light" if isinstance(place, Room) else "cage-light"
        return reverse(name, args=[place.pk])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        place = self.place
        return super().get_context_data(
            place=place, is_room=isinstance(place, Room), place_url=self.place_url, **kwargs
        )


class PlaceLightView(PlaceMixin, FormView):
    """The periods of a place, and the form for a new one, which is shown in words first."""

    template_name = "cages/light/place.html"
    form_class = PeriodForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.may_change_light:
            raise PermissionDenied
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "place": self.place, "now": self.now}

    @cached_property
    def runs(self) -> Runs:
        """The light up to now."""
        slot, place = slot_of(self.now), self.place
        window = Window(slot - LOOKED_BACK, slot + SLOT_LENGTH)
        if isinstance(place, Room):
            return light_of_room(place.pk, window)
        return light_of([place.pk], window)[place.pk]

    @property
    def present(self) -> LightPeriod | None:
        return self.runs[-1].period

    def get_initial(self) -> dict[str, Any]:
        """What it has now, so that nobody takes its light away by leaving a field empty."""
        present = self.present
        return {"schedule": present.schedule_id} if present else {}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            periods=self.periods[:PERIODS_AT_MOST],
            may_change=self.may_change_light,
            present=self.present,
            light_now=light_words.at_slot(self.runs, slot_of(self.now)),
            **kwargs,
        )

    def form_valid(self, form: PeriodForm) -> HttpResponse:
        period = form.instance
        after = self.periods.filter(starts_at__gt=period.starts_at).last()
        told = light_words.change_in_words(period, after)
        if "sure" not in self.request.POST:
            return self.render_to_response(self.get_context_data(form=form, told=told))
        period.noted_by = self.access.person
        try:
            with transaction.atomic():
                period.save()
        except IntegrityError:
            # Somebody was faster since the form was checked.
            form.add_error("day", _("There is a change at this moment already. Remove it first."))
            return self.form_invalid(form)
        messages.success(self.request, f"{self.place}: {told}")
        return redirect(self.place_url)


class RoomLightView(PlaceLightView):
    @cached_property
    def place(self) -> Room:
        return get_object_or_404(self.rooms, pk=self.kwargs["pk"])


class CageLightView(PlaceLightView):
    @cached_property
    def place(self) -> Cage:
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])


class PeriodRemoveView(PlaceMixin, FormView):
    """Remove a change that was typed by mistake. The record of changes keeps it with the reason."""

    template_name = "cages/light/remove.html"
    form_class = ReasonForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # A person who may not see the place does not learn that there is a period.
        if not self.may_change_light:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def period(self) -> LightPeriod:
        periods = LightPeriod.objects.select_related("schedule")
        return get_object_or_404(periods, pk=self.kwargs["pk"])

    @cached_property
    def place(self) -> Room | Cage:
        period = self.period
        if period.room_id:
            return get_object_or_404(self.rooms, pk=period.room_id)
        return get_object_or_404(self.get_queryset(), pk=period.cage_id)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(period=self.period, **kwargs)

    def form_valid(self, form: ReasonForm) -> HttpResponse:
        with because(form.cleaned_data["reason"]):
            removed, _by_table = LightPeriod.objects.filter(pk=self.period.pk).delete()
        if not removed:
            raise Http404("Somebody else has just removed it.")
        messages.success(self.request, _("Removed. What it said stays in the record of changes."))
        return redirect(self.place_url)
