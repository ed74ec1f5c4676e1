"""Note a mark, correct it, say that it is over, and withdraw it."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import FormView, TemplateView, View

from cages import marking
from cages.forms.mark import MarkForm
from cages.models import Cage, Mark, MarkKind
from cages.models.mark import LONGEST, words_of
from cages.views.access import CageAccessMixin
from neurocage.ids import id_from
from people.acting import because
from people.forms.reason import ReasonForm
from people.models import Change
from people.noted import lines_of

CHANGES_SHOWN = 20


def address_of(place: marking.Place) -> str:
    """The page of a cage, a rack or a room."""
    if isinstance(place, Cage):
        return place.get_absolute_url()
    if marking.name_of(place) == "rack":
        return reverse("rack-detail", args=[place.pk])
    return f"{reverse('rack-index')}?room={place.pk}"


class MarkCreateView(CageAccessMixin, FormView):
    """Note a mark of the cage, the rack or the room that the URL names (`?cage=7`).

    A POST with `tap`, the id of a kind, notes it for this moment.
    """

    template_name = "cages/marks/new.html"
    form_class = MarkForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.held.mine:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def place(self) -> marking.Place:
        """The place that the URL names; 404 where the person sees no cage of it."""
        named = [name for name in marking.PLACES if name in self.request.GET]
        place_id = id_from(self.request.GET.get(named[0], "")) if len(named) == 1 else None
        if not place_id:
            raise Http404("No place is named.")
        place = marking.places_seen(self.access, named[0]).filter(pk=place_id).first()
        if place is None:
            raise Http404("No such place.")
        return cast(marking.Place, place)

    @cached_property
    def held(self) -> marking.Held:
        return marking.held_of(self.place, self.access)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def get_form_kwargs(self) -> dict[str, Any]:
        data = self.request.POST if self.request.method == "POST" else None
        return {"data": data, "place": self.place, "now": self.now}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            place=self.place,
            place_name=words_of(self.place),
            held=self.held,
            back=address_of(self.place),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "tap" not in request.POST:
            return super().post(request, *args, **kwargs)
        wanted = id_from(request.POST["tap"])
        kind = next((one for one in marking.kinds_of(self.place) if one.pk == wanted), None)
        if kind is None:
            raise Http404("No such kind.")
        try:
            key = marking.key_of_tap(request.GET.get("key", ""), kind)
        except ValidationError as error:
            messages.error(request, error.messages[0])
            return redirect(address_of(self.place))
        times = marking.Times(self.now, self.now)
        try:
            return self._noted(kind, times, key)
        except ValidationError as error:
            messages.error(request, error.messages[0])
            return redirect(address_of(self.place))

    def form_valid(self, form: MarkForm) -> HttpResponse:
        cleaned = form.cleaned_data
        try:
            return self._noted(cleaned["kind"], form.times, cleaned["key"], cleaned["note"])
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)

    def _noted(
        self, kind: MarkKind, times: marking.Times, key: Any, note: str = ""
    ) -> HttpResponse:
        marks, is_new = marking.note_what_is_held(
            self.place, kind, times, self.access, self.now, key, note
        )
        told = {"kind": marks[0].kind, "count": len(marks)}
        if marks[0].key == key:
            words = _("%(kind)s is noted.") if is_new else _("%(kind)s was noted already.")
            messages.success(self.request, words % told)
            return redirect("mark-detail", marks[0].pk)
        words = ngettext(
            "%(kind)s is noted for %(count)d cage that you take care of.",
            "%(kind)s is noted for %(count)d cages that you take care of.",
            len(marks),
        )
        messages.success(self.request, words % told)
        return redirect(f"{reverse('mark-list')}?{marking.name_of(self.place)}={self.place.pk}")


class MarkMixin(CageAccessMixin):
    """A view of the mark in the URL. 404 for people who do not see its place."""

    @cached_property
    def mark(self) -> Mark:
        mark = marking.seen_by(self.access).with_names().filter(pk=self.kwargs["pk"]).first()
        if mark is None:
            raise Http404("No such mark.")
        return mark

    @cached_property
    def may_correct(self) -> bool:
        return marking.may_correct(self.mark, self.access)

    def checked_mark(self) -> Mark:
        """The mark. Raises PermissionDenied where the person may not correct it."""
        if not self.may_correct:
            raise PermissionDenied
        return self.mark

    @property
    def may_undo(self) -> bool:
        """Whether the person noted it a moment ago, and can take it back without a reason."""
        mark = self.mark
        is_own = mark.person_id == self.access.person.pk
        return is_own and self.now - mark.noted_at <= marking.UNDO_WITHIN

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            mark=self.mark,
            place_address=address_of(self.mark.place),
            **kwargs,
        )


class MarkDetailView(MarkMixin, TemplateView):
    """What was noted, with everything that was changed of it."""

    template_name = "cages/marks/detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        changes = Change.objects.of_row(Mark._meta.db_table, self.mark.pk).newest_first()
        mark = self.mark
        is_moment = mark.ends_at == mark.starts_at
        return super().get_context_data(
            may_correct=self.may_correct and not mark.withdrawn_at,
            may_undo=self.may_undo,
            may_end=is_moment and mark.starts_at < self.now <= mark.starts_at + LONGEST,
            lines=lines_of(changes[:CHANGES_SHOWN]),
            **kwargs,
        )


class MarkEditView(MarkMixin, FormView):
    """Correct it, with a reason."""

    template_name = "cages/marks/edit.html"
    form_class = MarkForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if self.checked_mark().withdrawn_at:
            return redirect("mark-detail", self.mark.pk)
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        data = self.request.POST if self.request.method == "POST" else None
        return {"data": data, "place": self.mark.place, "now": self.now, "mark": self.mark}

    def form_valid(self, form: MarkForm) -> HttpResponse:
        if not marking.may_move(self.mark, form.times.start, self.access):
            form.add_error("starts_at", _("Cages that you do not take care of stood here then."))
            return self.form_invalid(form)
        with because(form.cleaned_data["reason"]):
            form.correct(self.mark)
        messages.success(self.request, _("Saved."))
        return redirect("mark-detail", self.mark.pk)


class MarkEndView(MarkMixin, View):
    """Say that what was noted at its beginning is over now."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        mark = self.checked_mark()
        if marking.end(mark, self.now):
            messages.success(request, _("%(kind)s is over.") % {"kind": mark.kind})
        return redirect("mark-detail", mark.pk)


class MarkWithdrawView(MarkMixin, FormView):
    """Withdraw it, with a reason. `undo` is enough where its author noted it a moment ago."""

    template_name = "cages/marks/withdraw.html"
    form_class = ReasonForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if self.checked_mark().withdrawn_at:
            return redirect("mark-detail", self.mark.pk)
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "undo" in request.POST and self.may_undo:
            return self._withdraw(_("Undone at once"))
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: ReasonForm) -> HttpResponse:
        return self._withdraw(form.cleaned_data["reason"])

    def _withdraw(self, reason: str) -> HttpResponse:
        with because(reason):
            marking.withdraw(self.mark, self.now)
        words = _("%(kind)s of %(place)s is withdrawn.")
        told = {"kind": self.mark.kind, "place": self.mark.place_name}
        messages.success(self.request, words % told)
        return redirect(address_of(self.mark.place))
