"""Who lives in a cage: add, edit, move and take out animals, and who lived there before."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import DetailView, TemplateView

from cages import housing
from cages.filters import CageFilter
from cages.forms.animal import AnimalForm, EndHousingForm, MoveAnimalForm, NewAnimalForm
from cages.models import Cage, Housing
from cages.views.access import ActiveCageMixin, CageAccessMixin

# Former inhabitants that the page lists.
FORMER_SHOWN = 200


def _today(now: Any) -> date:
    return timezone.localtime(now).date()


class CageAnimalsView(CageAccessMixin, DetailView):
    """The animals of a cage today, and those that lived there before."""

    template_name = "cages/animals/list.html"

    def get_queryset(self) -> Any:
        return self.access.marked(super().get_queryset())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = _today(self.now)
        here = Housing.objects.of([self.object.pk]).filter(until=None)
        living = [(one, one.animal.age_days(today)) for one in here]
        over = Housing.every.of([self.object.pk]).exclude(until=None, withdrawn_at=None)
        newest = F("until").desc(nulls_last=True)
        found = list(over.order_by(newest, "animal__sort_key", "id")[: FORMER_SHOWN + 1])
        chosen = CageFilter.from_query(self.request.GET)
        return super().get_context_data(
            living=living,
            former=[one for one in found[:FORMER_SHOWN] if not one.withdrawn_at],
            withdrawn=[one for one in found[:FORMER_SHOWN] if one.withdrawn_at],
            former_most=FORMER_SHOWN if len(found) > FORMER_SHOWN else None,
            filter=chosen,
            **kwargs,
        )


class AnimalCreateView(ActiveCageMixin, TemplateView):
    """A new animal of the cage."""

    template_name = "cages/animals/new.html"

    @cached_property
    def cage(self) -> Cage:
        return self.get_object()

    def form(self, data: Any = None) -> NewAnimalForm:
        today = _today(self.now)
        initial = {"strain": self.cage.strain, "since": today}
        return NewAnimalForm(data, today=today, lab_id=self.cage.lab_id, initial=initial)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.object = self.cage
        return super().get_context_data(
            cage=self.cage, form=kwargs.pop("form", None) or self.form()
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.form(request.POST)
        if form.is_valid():
            try:
                with transaction.atomic():
                    since = form.cleaned_data["since"]
                    housing.put(form.instance, self.cage, since, _today(self.now))
            except ValidationError as error:
                form.add_error(None, error)
            else:
                messages.success(request, _("Saved."))
                return redirect("cage-animals", self.cage.pk)
        return self.render_to_response(self.get_context_data(form=form))


class AnimalView(ActiveCageMixin, TemplateView):
    """One animal that lives in the cage: edit it, move it, or take it out."""

    template_name = "cages/animals/edit.html"
    # {the form's button: what it does}
    forms = ("edit", "move", "end")

    @cached_property
    def cage(self) -> Cage:
        return self.get_object()

    @cached_property
    def housing(self) -> Housing:
        living = Housing.objects.select_related("animal").filter(cage=self.cage, until=None)
        return get_object_or_404(living, animal=self.kwargs["animal"])

    def made(self, name: str, data: Any = None) -> Any:
        today = _today(self.now)
        if name == "edit":
            animal = self.housing.animal
            # An animal of another lab could not go along when the cage came to this one.
            return AnimalForm(data, today=today, lab_id=self.cage.lab_id, instance=animal)
        if name == "move":
            cages = self.changeable.active().filter(lab=self.cage.lab_id)
            return MoveAnimalForm(data, cages=cages, initial={"day": today}, prefix="move")
        return EndHousingForm(data, initial={"day": today}, prefix="end")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.object = self.cage
        bound = kwargs.pop("bound", {})
        made = {f"{name}_form": bound.get(name) or self.made(name) for name in self.forms}
        return super().get_context_data(cage=self.cage, housing=self.housing, **made)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("what", "")
        name = name if name in self.forms else "edit"
        # Asked for first: whoever may not change the cage gets 403 whatever the form says.
        self.housing  # noqa: B018
        form = self.made(name, request.POST)
        if form.is_valid():
            try:
                self.carry_out(name, form)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                messages.success(request, _("Saved."))
                return redirect("cage-animals", self.cage.pk)
        return self.render_to_response(self.get_context_data(bound={name: form}))

    def carry_out(self, name: str, form: Any) -> None:
        today = _today(self.now)
        if name == "edit":
            form.save()
        elif name == "move":
            housing.move(self.housing, form.cleaned_data["cage"], form.cleaned_data["day"], today)
        else:
            housing.end(self.housing, form.cleaned_data["day"], today)
