"""Create and edit a cage, and try its sensor on the way."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.generic import CreateView, DetailView, UpdateView

from cages.forms.cage import CageForm
from cages.polling.poller import ask_now
from cages.views.access import CageChangeMixin


class CageFormMixin(CageChangeMixin):
    """One form for both. "Test sensor" shows the live answer and gives back all that was typed."""

    form_class: Any = CageForm
    template_name: str | None = "cages/form.html"

    def get_form_kwargs(self):
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_context_data(self, **kwargs):
        answer = {"answer": None, "back_url": self.back_url()}
        return super().get_context_data(**{**answer, **kwargs})

    def post(self, request, *args, **kwargs):
        if "test_sensor" in request.POST:
            self.object = self.get_object() if self.kwargs else None
            return self.test_sensor()
        return super().post(request, *args, **kwargs)

    def test_sensor(self):
        form = self.get_form()
        cage_id = self.sensor_id(form)
        answer = None if cage_id is None else ask_now(cage_id)
        return self.render_to_response(self.get_context_data(form=form, answer=answer))

    def form_valid(self, form):
        try:
            self.object = form.save()
        except IntegrityError as error:
            # Somebody was faster since the form was checked.
            form.add_error_of(error)
            return self.form_invalid(form)
        messages.success(self.request, self.success_message)
        return redirect(self.object)


class CageCreateView(CageFormMixin, CreateView):
    success_message = _("The cage was created. Its first reading appears within two minutes.")

    def back_url(self):
        return reverse("cage-list")

    def sensor_id(self, form):
        """The id typed, if it is a free one: another person's cage answers only to that person."""
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


class CageUpdateView(CageFormMixin, UpdateView):
    success_message = _("Saved.")

    def get_queryset(self):
        return super().get_queryset().active()

    def back_url(self):
        return self.object.get_absolute_url()

    def sensor_id(self, form):
        form.full_clean()
        form.errors.clear()
        return self.object.pk


class SensorTestView(CageChangeMixin, DetailView):
    """The live answer of one sensor. Asking costs the sensor something, so only by POST."""

    template_name = "cages/sensor_test.html"

    def get_queryset(self):
        return super().get_queryset().active()

    def get(self, request, *args, **kwargs):
        return redirect(self.get_object())

    def post(self, request, *args, **kwargs):
        self.object = cage = self.get_object()
        return render(
            request, self.template_name, self.get_context_data(cage=cage, answer=ask_now(cage.pk))
        )
