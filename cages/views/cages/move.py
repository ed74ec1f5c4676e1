"""Move one cage. The link of an empty bay fills in the form."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import UpdateView

from cages.forms.place import MoveForm
from cages.models import Cage
from cages.places import grid
from cages.views.access import HandledCageMixin
from neurocage.ids import id_from


class MoveView(HandledCageMixin, UpdateView):
    template_name = "cages/move.html"
    form_class = MoveForm
    # Without PUT: Django would read it as a form with empty fields, which is a valid move.
    http_method_names = ["get", "head", "post", "options"]

    def get_initial(self) -> dict[str, Any]:
        """The bay that the URL names, in a rack that the person sees."""
        wanted = self.request.GET
        rack_id = id_from(wanted.get("rack", ""))
        found = grid.find(self.access, rack_id, self.now) if rack_id else None
        if found is None:
            return {}
        bay = {name: wanted[name] for name in ("row", "column") if name in wanted}
        room = found.rack.room
        return {"room": room.name if room else "", "rack": found.rack.name, **bay}

    def get_object(self, queryset: QuerySet[Cage] | None = None) -> Cage:
        cage = super().get_object(queryset)
        # The form changes the cage even if it is not valid.
        self.position_before = cage.position
        return cage

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(position_before=self.position_before, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        cage = form.instance
        try:
            cage.save_change(self.now, self.request.user)
        except IntegrityError as error:
            # Somebody was faster since the form was checked.
            form.add_error_of(error)
            return self.form_invalid(form)
        told = {"id": cage.pk, "label": cage.label, "position": cage.position}
        if not cage.position:
            messages.success(self.request, _("Cage %(id)s · %(label)s has no position now.") % told)
            return redirect(cage)
        messages.success(self.request, _("Cage %(id)s · %(label)s is now in %(position)s.") % told)
        return redirect("rack-detail", cage.rack_id) if cage.rack else redirect(cage)
