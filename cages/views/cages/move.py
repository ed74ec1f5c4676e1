"""Move one cage to another place; an empty slot of a rack fills the form in (views/racks.py)."""

from django.contrib import messages
from django.db import IntegrityError
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import UpdateView

from cages import racks
from cages.forms.rack import PLACE_LABELS, MoveForm
from cages.views.access import CageChangeMixin


class MoveView(CageChangeMixin, UpdateView):
    template_name = "cages/move.html"
    form_class = MoveForm
    # A PUT would come as a form with every field empty, and that is a valid move.
    http_method_names = ["get", "head", "post", "options"]

    def get_queryset(self):
        return super().get_queryset().active()

    def get_initial(self):
        return {name: self.request.GET[name] for name in PLACE_LABELS if name in self.request.GET}

    def get_object(self, queryset=None):
        cage = super().get_object(queryset)
        # The form writes into the cage what was typed, also where it is refused.
        self.position_before = cage.position
        return cage

    def get_context_data(self, **kwargs):
        return super().get_context_data(position_before=self.position_before, **kwargs)

    def form_valid(self, form):
        cage = form.instance
        try:
            cage.save_change(self.now, self.request.user)
        except IntegrityError as error:
            # Somebody was faster since the form was checked.
            form.add_error_of(error)
            return self.form_invalid(form)
        told = {"id": cage.pk, "label": cage.label, "position": cage.position}
        if not cage.position:
            messages.success(self.request, _("Cage %(id)s · %(label)s has no place now.") % told)
            return redirect(cage)
        messages.success(self.request, _("Cage %(id)s · %(label)s stands in %(position)s.") % told)
        if not cage.rack:
            return redirect(cage)
        return redirect(f"{reverse('rack-detail')}?{racks.query_of(cage.room, cage.rack)}")
