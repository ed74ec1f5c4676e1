"""Create and edit a cage, and test its sensor."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.generic import DetailView, UpdateView

from cages.forms.cage import CageForm
from cages.models import Cage
from cages.polling.poller import ask_now
from cages.polling.results import PollResult
from cages.views.access import ActiveCageMixin, CageChangeMixin, HandledCageMixin
from neurocage.limits import SENSOR_TESTS
from people.access import person_of


def answer_of(request: HttpRequest, cage_id: int) -> PollResult | None:
    """The answer of a sensor asked now. None, with a message, where too many are being asked."""
    with SENSOR_TESTS.taken(person_of(request).pk) as is_free:
        if is_free:
            return ask_now(cage_id)
    text = _(
        "A sensor test of yours is running, or %(count)d of other people. "
        "Try again when one of them has finished."
    )
    messages.warning(request, text % {"count": SENSOR_TESTS.in_all})
    return None


class CageFormView(CageChangeMixin, UpdateView):
    """Create or edit a cage. "Test sensor" shows the answer and keeps everything typed."""

    form_class = CageForm
    template_name = "cages/form.html"
    success_message: str | Promise
    object: Cage | None

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.access.person}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back_url = self.object.get_absolute_url() if self.object else reverse("cage-list")
        return super().get_context_data(**{"answer": None, "back_url": back_url, **kwargs})

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "test_sensor" not in request.POST:
            return super().post(request, *args, **kwargs)
        self.object = self.get_object()
        form = self.get_form()
        cage_id = self.sensor_id(form)
        answer = None if cage_id is None else answer_of(request, cage_id)
        return self.render_to_response(self.get_context_data(form=form, answer=answer))

    def sensor_id(self, form: ModelForm) -> int | None:
        """The id of the sensor to test. Leaves only the errors that prevent it in the form."""
        raise NotImplementedError

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            cage = form.save()
        except IntegrityError as error:
            # Somebody was faster since the form was checked.
            form.add_error_of(error)
            return self.form_invalid(form)
        messages.success(self.request, str(self.success_message))
        return redirect(cage)


class CageCreateView(CageFormView):
    success_message = _("The cage was created. Its first reading appears within two minutes.")

    def get_object(self, queryset: QuerySet[Cage] | None = None) -> None:  # type: ignore[override]
        if not self.access.may_create:
            raise PermissionDenied

    def sensor_id(self, form: ModelForm) -> int | None:
        # Only a free id, because the sensor of another person's cage must not be tested.
        form.full_clean()
        cage_id = form.cleaned_data.get("id")
        problems = form.errors.get("id")
        form.errors.clear()
        if problems:
            form.add_error("id", problems)
        elif cage_id is None:
            form.add_error(
                "id", _("Enter the cage id to test its sensor before you save the cage.")
            )
        return cage_id


class CageUpdateView(ActiveCageMixin, CageFormView):
    success_message = _("Saved.")

    def sensor_id(self, form: ModelForm) -> int:
        form.full_clean()
        form.errors.clear()
        return form.instance.pk


class SensorTestView(HandledCageMixin, DetailView):
    """Ask one sensor now. By POST only, because it makes a request to the sensor."""

    template_name = "cages/sensor_test.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(self.get_object())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        answer = answer_of(request, self.object.pk)
        return self.render_to_response(self.get_context_data(answer=answer))
