"""Act on many cages at once. They are chosen on the list; a page asks for confirmation."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView

from cages.forms.place import BulkJoinForm, BulkMoveForm
from cages.models.cage import CageQuerySet
from cages.views.cages.list import ACTS, HANDLING_ACTS, OTHER_ACTS
from cages.views.cages.selection import SelectionMixin
from people.acting import because
from people.forms.reason import ReasonForm

LABELS_SHOWN = 10


class BulkView(SelectionMixin, TemplateView):
    """The URL says which cages, and what to do with them (`act`)."""

    template_name = "cages/bulk.html"

    def selectable(self) -> CageQuerySet:
        act = self.request.GET.get("act")
        if act in HANDLING_ACTS:
            return self.handled
        return self.changeable if act in ACTS else self.seen

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.act = request.GET.get("act", "")
        if self.act not in (*ACTS, *OTHER_ACTS) or not self.count:
            return self.nothing_selected()
        if self.act in OTHER_ACTS:
            which = request.GET.copy()
            del which["act"]
            return redirect(f"{reverse(f'cage-{self.act}')}?{which.urlencode()}")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.pop("form", None) or self._form()
        return super().get_context_data(
            act=self.act,
            act_name=ACTS[self.act],
            count=self.count,
            labels=list(self.cages.with_place()[:LABELS_SHOWN]),
            rest=max(self.count - LABELS_SHOWN, 0),
            list_address=self.list_address,
            form=form,
            **kwargs,
        )

    def _form(self, sent: QueryDict | None = None) -> Any:
        """What the act needs beside the cages; None for nothing."""
        if self.act == "join":
            return BulkJoinForm(sent, access=self.access)
        made = {"move": BulkMoveForm, "archive": ReasonForm}.get(self.act)
        return made(sent) if made else None

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._form(request.POST)
        if form and not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        if request.POST.get("count") != str(self.count):
            # A filter may match other cages by now. Never act on more cages than were confirmed.
            messages.warning(
                request, _("The number of cages has changed. Check the list and confirm again.")
            )
            return self.render_to_response(self.get_context_data(form=form))
        given = dict(form.cleaned_data) if form else {}
        act = getattr(self.cages, self.act)
        try:
            with because(given.pop("reason", "")):
                changed = act(now=self.now, person=self.access.person, **given)
        except ValidationError as error:
            form.add_error("lab", error)
            return self.render_to_response(self.get_context_data(form=form))
        done = {
            "pause": ngettext("%d cage is paused.", "%d cages are paused.", changed),
            "resume": ngettext("%d cage is polled again.", "%d cages are polled again.", changed),
            "move": ngettext("%d cage was moved.", "%d cages were moved.", changed),
            "join": ngettext("%d cage was handed over.", "%d cages were handed over.", changed),
            "archive": ngettext("%d cage is archived.", "%d cages are archived.", changed),
        }
        messages.success(request, done[self.act] % changed)
        return redirect(self.list_address)
