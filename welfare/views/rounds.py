"""Rounds: begin one, go through it, and what came of it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View

from cages.marking import UNDO_WITHIN
from cages.models import Cage, MarkKind, Room
from cages.views.access import CageAccessMixin
from neurocage.ids import id_from
from welfare import rounds
from welfare.bays import bays_of
from welfare.models import LookResult, Round
from welfare.models.round import WHY_LENGTH

# The newest ones on the page.
ROUNDS_SHOWN = 30
WORKER = "js/round_worker.js"


class RoundsView(CageAccessMixin, TemplateView):
    """The rooms that the person can go through, and the newest rounds. POST begins one."""

    template_name = "welfare/rounds/list.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        room_id = id_from(request.POST.get("room", ""))
        room = get_object_or_404(Room, pk=room_id or 0)
        if not rounds.cages_in(room.pk, self.access).exists():
            if self.seen.active().filter(room=room).exists():
                raise PermissionDenied
            raise Http404("No such room.")
        return redirect("round", rounds.begin(room, self.access, self.now).pk)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        cages = self.access.acknowledges(Cage.objects.active()).order_by()
        counts = cages.exclude(room=None).values("room").annotate(count=Count("pk"))
        by_room = dict(counts.values_list("room", "count"))
        own = Round.objects.under_way().filter(person=self.access.person, room__in=by_room)
        under_way = {one.room_id: (one, rounds.goes_on(one, self.now)) for one in own}
        seen = self.seen.order_by().values("room")
        newest = Round.objects.exclude(ended_at=None).filter(room__in=seen).select_related("room")
        return super().get_context_data(
            rooms=[
                (room, by_room[room.pk], *under_way.get(room.pk, (None, False)))
                for room in Room.objects.filter(pk__in=by_room).order_by("sort_key")
            ],
            items_at_most=rounds.ITEMS_AT_MOST,
            rounds=newest.order_by("-ended_at", "-pk")[:ROUNDS_SHOWN],
            **kwargs,
        )


class RoundView(CageAccessMixin, TemplateView):
    """One round: the cages with their buttons for its person, else what came of it."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.round = get_object_or_404(Round.objects.select_related("room"), pk=kwargs["pk"])
        if not self.is_own and not self.seen.filter(room=self.round.room_id).exists():
            raise Http404("No such round.")

    @property
    def is_own(self) -> bool:
        return self.round.person_id == self.access.person.pk

    @property
    def is_tapped(self) -> bool:
        return self.is_own and self.round.ended_at is None

    def get_template_names(self) -> list[str]:
        return [f"welfare/rounds/{'round' if self.is_tapped else 'ended'}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        more = self._tapped() if self.is_tapped else self._ended()
        told = {"round": self.round, "items_at_most": rounds.ITEMS_AT_MOST}
        return super().get_context_data(**told, **more, **kwargs)

    def _tapped(self) -> dict[str, Any]:
        standing = rounds.standing_of(self.round, self.access, self.now)
        bays = bays_of(cage for cage, _done in standing.cages)
        return {
            "standing": standing,
            "cages": [(cage, done, bays[cage.pk]) for cage, done in standing.cages],
            "opens": self.access.finds(Cage.objects.filter(room=self.round.room_id)).exists(),
            "results": LookResult,
            "taps": MarkKind.objects.filter(code__in=rounds.TAPS, is_on=True).order_by("pk"),
            "reasons": rounds.WHY_SKIPPED,
            "why_length": WHY_LENGTH,
            "day_ends": rounds.day_of(self.round).end,
            "undo_seconds": UNDO_WITHIN // timedelta(seconds=1),
            "wanted": id_from(self.request.GET.get("cage", "")) or 0,
        }

    def _ended(self) -> dict[str, Any]:
        if self.round.ended_at is None:
            return {}
        standing = rounds.result_of(self.round, self.seen, self.now)
        bays = bays_of(cage for cage, _done in standing.cages)
        unopened = self.round.looks.unopened().filter(cage__in=self.seen.order_by().values("pk"))
        return {
            "standing": standing,
            "skipped": [
                (cage, done.look.why if done.look else "", bays[cage.pk])
                for cage, done in standing.skipped
            ],
            "left": [(cage, bays[cage.pk]) for cage in standing.left],
            "unopened": [look.cage for look in unopened.select_related("cage__rack", "cage__room")],
        }


class RoundCageView(CageAccessMixin, View):
    """Where the code on a cage's card leads: into the person's round of its room, or its page."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        cage = get_object_or_404(self.seen, pk=pk)
        own = Round.objects.under_way().filter(person=self.access.person, room=cage.room_id)
        one = own.first() if cage.room_id and not cage.is_archived else None
        if one is None or not rounds.goes_on(one, self.now):
            return redirect(cage)
        return redirect(f"{reverse('round', args=[one.pk])}?cage={pk}")


class ArrivalsView(CageAccessMixin, View):
    """POST {"person": id, "items": […]} as JSON: notes of a device, answered one by one.

    Answers {"answers": [{"key", "kept", "why"}]}; 400 for what is no such list; 415 for what is no
    JSON; 409 where the notes are another person's than the one who is signed in.
    """

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.content_type != "application/json":
            return JsonResponse({"why": _("This is no list of notes.")}, status=415)
        try:
            sent = json.loads(request.body)
            items, person = sent["items"], sent["person"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return JsonResponse({"why": _("This is no list of notes.")}, status=400)
        if not isinstance(items, list) or not 0 < len(items) <= rounds.ITEMS_AT_MOST:
            return JsonResponse({"why": _("This is no list of notes.")}, status=400)
        if person != self.access.person.pk:
            return JsonResponse({"why": _("Somebody else is signed in now.")}, status=409)
        return JsonResponse({"answers": [self._answer(one) for one in items]})

    def _answer(self, sent: Any) -> dict[str, Any]:
        key = str(sent.get("key", ""))[:36] if isinstance(sent, dict) else ""
        try:
            item = rounds.Item.read(sent)
        except rounds.Unclear as error:
            return {"key": key, "kept": False, "why": str(error)}
        [(_item, why)] = rounds.carry_out([item], self.access, self.now)
        return {"key": key, "kept": not why, "why": why}


class WorkerView(View):
    """The service worker. From here it reaches the pages of rounds, and no others."""

    def get(self, request: HttpRequest) -> HttpResponse:
        path = finders.find(WORKER)
        if not isinstance(path, str):
            raise Http404("The worker is not installed.")
        return HttpResponse(Path(path).read_bytes(), content_type="text/javascript")
