"""One concern: what is known, what was done, and the forms for what can be done."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from cages.drawing.pins import numbered
from cages.history.handling import marks_of
from cages.history.light import has_light, light_of
from cages.history.minutes import minutes_of
from cages.history.window import Window
from cages.models import Cage
from cages.models.state import HOUR_MINUTES
from cages.slots import SLOT_LENGTH
from cages.views.access import CageAccessMixin
from neurocage.ids import id_from
from welfare import desk
from welfare.forms.desk import (
    AcknowledgeForm,
    ActForm,
    CloseForm,
    CommentForm,
    FindingForm,
    OpenForm,
)
from welfare.models import Concern, Finding, Kind, Reason, TrailEntry
from welfare.rights import rights_in
from welfare.rules.words import words_of
from welfare.templatetags.welfare import act_in_words
from welfare.views.access import LiveConcernsMixin

FORMS: dict[str, type[ActForm]] = {
    form.name: form for form in (AcknowledgeForm, FindingForm, CommentForm, CloseForm)
}
# The newest entries of a trail. A concern that is raised again and again has a long one.
TRAIL_SHOWN = 200


class ConcernView(LiveConcernsMixin, TemplateView):
    """GET shows it. POST does the act that `act` names, and leads back here."""

    template_name = "welfare/concern.html"
    refused: ActForm | None = None
    overtaken = ""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.concern = self.concern_of_url()
        self.rights = rights_in(self.access, self.concern)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        act = request.POST.get("act", "")
        if act not in FORMS:
            raise PermissionDenied
        allowed = {CommentForm.name: self.rights.comments}
        allowed[AcknowledgeForm.name] = self.rights.acknowledges
        if not allowed.get(act, self.rights.finds):
            raise PermissionDenied
        form = FORMS[act](request.POST)
        if form.is_valid() and self._done(form):
            return redirect(self.concern)
        self.refused = form
        self.concern = self.concern_of_url()
        return self.render_to_response(self.get_context_data(**kwargs))

    def _done(self, form: ActForm) -> bool:
        """Do it. Where that is refused, say why, at the form."""
        try:
            self._do(form)
        except desk.NotOpen:
            # The page tells who closed it and when.
            text = _("Nothing was saved: the concern was closed meanwhile.")
            form.add_error(None, text)
        except desk.FindingNeeded:
            form.add_error(None, _("A concern about health is closed with a finding."))
        except desk.Overtaken as error:
            told = {"who": error.entry.by, "act": act_in_words(error.entry)}
            text = _("%(who)s was quicker: %(act)s. Send it again if you still want to.") % told
            form.add_error(None, text)
        return form.is_valid()

    def _do(self, form: ActForm) -> None:
        pk, person, now, sent = self.concern.pk, self.access.person, self.now, form.cleaned_data
        if isinstance(form, AcknowledgeForm):
            reason = Reason(sent["reason"])
            desk.acknowledge(pk, person, reason, sent["text"], now, after=form.newest)
        elif isinstance(form, CommentForm):
            desk.comment(pk, person, sent["text"], now)
        elif isinstance(form, FindingForm):
            found, due = Finding(sent["finding"]), form.recheck_at(now)
            desk.find(pk, person, found, sent["text"], now, recheck_at=due, after=form.newest)
        else:
            desk.close(pk, person, now, after=form.newest)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        concern, edition = self.concern, self.concern.edition
        own = words_of(Kind(concern.kind))
        newest_first = concern.trail.order_by("-pk")[: TRAIL_SHOWN + 1]
        trail = list(newest_first)[::-1]
        context = super().get_context_data(
            concern=concern,
            life=concern.life(self.now),
            rights=self.rights,
            words=[
                (_("Cause"), (edition and edition.cause) or own.cause),
                (_("Consequence"), (edition and edition.consequence) or own.consequence),
                (_("What to check"), (edition and edition.what_to_check) or own.what_to_check),
            ],
            trail=trail[-TRAIL_SHOWN:],
            is_trail_cut=len(trail) > TRAIL_SHOWN,
            newest=trail[-1].pk if trail else 0,
            closed_by=_closing(trail),
            forms=self._forms(),
            acknowledged_hours=int(desk.ACKNOWLEDGED_FOR.total_seconds() // 3600),
            is_recheck_lapsed=concern.is_recheck_lapsed(self.now),
            **self._hour(),
            **kwargs,
        )
        if self.refused:
            # A refresh would take the words away that say why.
            context["is_live"] = False
        return context

    def _forms(self) -> dict[str, ActForm]:
        """The forms that the person may send now. One that was refused stays, with its words."""
        names = [CommentForm.name] if self.rights.comments else []
        if self.concern.is_open and self.rights.acknowledges and self.concern.lasts:
            names.append(AcknowledgeForm.name)
        if self.concern.is_open and self.rights.finds:
            names.append(FindingForm.name)
            if self.concern.finding or not self.concern.is_health:
                names.append(CloseForm.name)
        forms = {name: FORMS[name]() for name in names}
        return {**forms, self.refused.name: self.refused} if self.refused else forms

    def _hour(self) -> dict[str, Any]:
        """The hour that ended with the slot that raised it."""
        cage = self.concern.cage
        if cage is None:
            return {}
        end = self.concern.raised_slot + SLOT_LENGTH
        window = Window(end - HOUR_MINUTES * SLOT_LENGTH, end)
        shown = window.since(cage.created_at)
        runs = light_of([cage.pk], window)[cage.pk]
        return {
            "hour": window,
            "minutes": minutes_of([cage.pk], shown)[cage.pk],
            "runs": runs,
            "has_light": has_light(runs),
            "marks": numbered(marks_of([cage.pk], window)[cage.pk]),
        }


def _closing(trail: list[TrailEntry]) -> TrailEntry | None:
    """The entry of the closing; None while it is open."""
    return next((entry for entry in reversed(trail) if entry.act == "closed"), None)


class ConcernCreateView(CageAccessMixin, TemplateView):
    """Open a concern by hand. The URL names the cage: /concerns/new/?cage=12."""

    template_name = "welfare/new.html"
    form: OpenForm | None = None
    existing: Concern | None = None

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        cage_id = id_from(request.GET.get("cage", "")) or 0
        self.cage = get_object_or_404(self.seen.active().select_related("room", "rack"), pk=cage_id)
        if not self.access.finds(Cage.objects.filter(pk=self.cage.pk)).exists():
            raise PermissionDenied

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.form = form = OpenForm(request.POST)
        if form.is_valid():
            text = form.cleaned_data["text"]
            try:
                concern = desk.open_by_hand(self.cage, self.access.person, text, self.now)
            except desk.AlreadyOpen as error:
                self.existing = error.concern
                text = _("There is an open concern of this kind. Add your words to it.")
                form.add_error(None, text)
            else:
                messages.success(request, _("The concern is open."))
                return redirect(concern)
        return self.render_to_response(self.get_context_data(**kwargs))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            cage=self.cage, form=self.form or OpenForm(), existing=self.existing, **kwargs
        )
