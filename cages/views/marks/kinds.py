"""The kinds of marks: administrators add, rename and switch them off."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic import CreateView, UpdateView
from django.views.generic.edit import ModelFormMixin

from cages.forms.mark import MarkKindForm
from cages.models import MarkKind
from people.access import Permission
from people.views.permitted import PermittedMixin


class KindMixin(ModelFormMixin, PermittedMixin):
    permission = Permission.KINDS_OF_MARKS
    model = MarkKind
    form_class = MarkKindForm
    success_url = reverse_lazy("mark-kinds")

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except IntegrityError:
            form.add_error(None, _("Somebody else has just used this name. Choose another one."))
            return self.form_invalid(form)
        messages.success(self.request, _("Saved."))
        return response


class MarkKindsView(KindMixin, CreateView):
    """All kinds, and the form of a new one."""

    template_name = "cages/marks/kinds.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(kinds=MarkKind.objects.order_by("pk"), **kwargs)


class MarkKindEditView(KindMixin, UpdateView):
    template_name = "cages/marks/kind.html"
    context_object_name = "kind"
