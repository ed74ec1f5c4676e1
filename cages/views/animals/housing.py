"""The days of an animal in a cage: correct them, or withdraw that it lived there."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from cages import housing
from cages.forms.animal import CorrectHousingForm
from cages.models import Cage, Housing
from cages.views.access import CageChangeMixin
from people.acting import because
from people.forms.reason import ReasonForm
from people.models import Change
from people.noted import lines_of

CHANGES_SHOWN = 20


class HousingView(CageChangeMixin, TemplateView):
    """What is noted, with everything that was changed of it. For archived cages too."""

    template_name = "cages/animals/housing.html"
    # {the form's button: its form}
    forms: dict[str, Any] = {"correct": CorrectHousingForm, "withdraw": ReasonForm}

    @cached_property
    def cage(self) -> Cage:
        return self.get_object()

    @cached_property
    def housing(self) -> Housing:
        noted = Housing.every.select_related("animal", "cage").filter(cage=self.cage)
        return get_object_or_404(noted, pk=self.kwargs["housing"])

    def made(self, name: str, data: Any = None) -> Any:
        initial = {"since": self.housing.since, "until": self.housing.until}
        return self.forms[name](data, initial=initial, prefix=name)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.object = self.cage
        bound = kwargs.pop("bound", {})
        made = {f"{name}_form": bound.get(name) or self.made(name) for name in self.forms}
        changes = Change.objects.of_row(Housing._meta.db_table, self.housing.pk).newest_first()
        lines = lines_of(changes[:CHANGES_SHOWN])
        return super().get_context_data(cage=self.cage, housing=self.housing, lines=lines, **made)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("what", "")
        name = name if name in self.forms else "correct"
        # Asked for first: whoever may not change the cage gets 403 whatever the form says.
        noted = self.housing
        if noted.withdrawn_at:
            return redirect("animal-housing", self.cage.pk, noted.pk)
        form = self.made(name, request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(bound={name: form}))
        given = form.cleaned_data
        try:
            with because(given["reason"]):
                if name == "withdraw":
                    housing.withdraw(noted, self.now)
                    done = _("It is withdrawn that %(number)s lived in this cage.")
                    done %= {"number": noted.animal.number}
                else:
                    today = timezone.localtime(self.now).date()
                    housing.correct(noted, given["since"], given["until"], today)
                    done = _("Saved.")
        except ValidationError as error:
            form.add_error(None, error)
            return self.render_to_response(self.get_context_data(bound={name: form}))
        messages.success(request, done)
        return redirect("cage-animals", self.cage.pk)
