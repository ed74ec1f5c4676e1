"""Night sheets: the rooms with their newest one, and one sheet."""

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.views.generic import TemplateView, View

from cages.history.nights import COVERAGE_AT_LEAST, PHASES_BEFORE, UNLIKE_BY
from cages.history.window import Window
from cages.models import LightPeriod, Room
from cages.views.access import CageAccessMixin
from cages.views.site.long_pages import LongPageMixin
from welfare.models import NightSheet
from welfare.night.facts import ALONE_COVERAGE, BAD_MINUTES, BY_EYE_MINUTES
from welfare.night.paper import file_name, paper_of
from welfare.night.sheet import sheet_of

SHEETS_SHOWN = 14


class NightView(CageAccessMixin, TemplateView):
    """The rooms that the person sees, each with its newest sheet, and the newest sheets of all."""

    template_name = "welfare/night/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = self.seen.active().exclude(room=None).order_by().values("room")
        rooms = list(Room.objects.filter(pk__in=seen).order_by("sort_key"))
        ids = [room.pk for room in rooms]
        newest = NightSheet.objects.filter(room__in=ids).order_by("room_id", "-ends_at")
        sheets = {one.room_id: one for one in newest.distinct("room_id").defer("facts")}
        light = {one.room_id: one for one in LightPeriod.objects.present(ids, self.now)}
        earlier = NightSheet.objects.filter(room__in=ids).select_related("room").defer("facts")
        return super().get_context_data(
            rooms=[
                (room, sheets.get(room.pk), light[room.pk].schedule if room.pk in light else None)
                for room in rooms
            ],
            earlier=earlier.order_by("-ends_at", "room__sort_key")[: SHEETS_SHOWN * 4],
            **kwargs,
        )


class SheetMixin(CageAccessMixin, View):
    """The sheet of a room whose lights went on at this day; the newest of the day."""

    @cached_property
    def room(self) -> Room:
        there = self.seen.filter(room=self.kwargs["pk"]).order_by().values("room")
        return get_object_or_404(Room.objects.filter(pk__in=there))

    @cached_property
    def kept(self) -> NightSheet | None:
        """The sheet; None where there is none. Raises Http404 for what is no day."""
        try:
            day = Window.whole_day(date.fromisoformat(self.kwargs["day"]))
        except (ValueError, OverflowError):
            raise Http404("No such day.") from None
        of_day = {"ends_at__gte": day.start, "ends_at__lt": day.end}
        sheets = NightSheet.objects.filter(room=self.room, **of_day).select_related("room")
        return sheets.order_by("-ends_at").first()


class SheetView(SheetMixin, TemplateView):
    template_name = "welfare/night/sheet.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = self.kept
        return super().get_context_data(
            room=self.room,
            kept=kept,
            sheet=sheet_of(kept, self.seen, self.now) if kept else None,
            bad_minutes=BAD_MINUTES,
            by_eye_minutes=BY_EYE_MINUTES,
            unlike_by=UNLIKE_BY,
            phases_before=PHASES_BEFORE,
            alone_coverage=ALONE_COVERAGE,
            coverage_at_least=COVERAGE_AT_LEAST,
            **kwargs,
        )


class SheetPaperView(LongPageMixin, SheetMixin):
    """The same as a PDF, in the language of the page."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.kept is None:
            raise Http404("No sheet of this day.")
        sheet = sheet_of(self.kept, self.seen, self.now)
        headers = {
            "Content-Disposition": f'inline; filename="{file_name(self.kept)}"',
            "Cache-Control": "private, no-store",
        }
        pdf = paper_of(self.kept, sheet)
        return HttpResponse(pdf, content_type="application/pdf", headers=headers)
