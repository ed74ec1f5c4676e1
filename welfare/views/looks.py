"""The eyes-on ledger: who was looked at and who was not, beside what the machine saw."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View

from cages.exporting.sending import Sending
from cages.history.buckets import buckets_of
from cages.history.window import DAY, Window
from cages.models import Cage, Room
from cages.models.cage import CageQuerySet
from cages.moment_fields import DayField
from cages.slots import slot_of
from cages.views.access import CageAccessMixin
from cages.views.history.exporting import file_response
from cages.views.site.long_pages import LongPageMixin
from neurocage.ids import id_from
from neurocage.limits import EXPORTS
from welfare import looks_file
from welfare.eyes_on import (
    LOOKED_BY,
    add_machine,
    days_back,
    ledger_of,
    missed_today,
    weekdays_of,
)
from welfare.models import Look

# Whole weeks, so that each day of the week is there equally often.
WINDOW_DAYS = (7, 28)
ROWS_A_PAGE = 50
CAGES_AT_MOST = 2000
MISSED_SHOWN = 100
UNOPENED_SHOWN = 20


class LooksMixin(CageAccessMixin):
    """`room` is the room that the URL names, or None for all."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.room_id = id_from(request.GET.get("room", "")) or 0

    def cages_since(self, window: Window) -> CageQuerySet:
        """Those that the person sees and that were not archived before the window, by place."""
        cages = self.seen.exclude(archived_at__lt=window.start)
        if self.room_id:
            cages = cages.filter(room=self.room_id)
        ordered = cages.select_related("room", "rack").in_order("position", self.now)
        return ordered[:CAGES_AT_MOST]


class LooksView(LongPageMixin, LooksMixin, TemplateView):
    """Days, days of the week, each cage and day, and who was not looked at today."""

    template_name = "welfare/looks.html"

    @property
    def days(self) -> int:
        asked = self.request.GET.get("days", "")
        return next((one for one in WINDOW_DAYS if asked == str(one)), WINDOW_DAYS[0])

    def takes_long(self) -> bool:
        return self.days > WINDOW_DAYS[0]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        window = days_back(self.days, self.now)
        cages: list[Cage] = list(self.cages_since(window))
        ledger = ledger_of(cages, window)
        past = Window(window.start, slot_of(self.now))
        add_machine(ledger, buckets_of([cage.pk for cage in cages], past, by_hour=False))
        page = Paginator(cages, ROWS_A_PAGE).get_page(self.request.GET.get("page"))
        missed = missed_today(ledger, cages, self.now)
        unopened = Look.objects.unopened().filter(cage__in=self.seen.order_by().values("pk"))
        waiting = list(
            unopened.select_related("cage__room", "cage__rack").order_by("at")[:UNOPENED_SHOWN]
        )
        finds = self.access.finds(Cage.objects.filter(pk__in=[look.cage_id for look in waiting]))
        may_open = set(finds.values_list("pk", flat=True))
        return super().get_context_data(
            days=self.days,
            windows=WINDOW_DAYS,
            room_id=self.room_id,
            rooms=Room.objects.filter(pk__in=self.seen.order_by().values("room")).order_by(
                "sort_key"
            ),
            ledger_days=ledger.days[::-1],
            weekdays=weekdays_of(ledger, cages, window),
            page_obj=page,
            # The newest day first, which a phone shows without scrolling.
            rows=[(cage, ledger.by_cage[cage.pk][::-1]) for cage in page.object_list],
            missed=missed[:MISSED_SHOWN],
            missed_count=len(missed),
            today=ledger.days[-1],
            looked_by=LOOKED_BY,
            is_due=timezone.localtime(self.now).time() >= LOOKED_BY,
            unopened=[(look, look.cage_id in may_open) for look in waiting],
            first_day=timezone.localtime(self.now).date() - timedelta(days=182),
            last_day=timezone.localtime(self.now).date(),
            is_cut=len(cages) == CAGES_AT_MOST,
            cages_at_most=CAGES_AT_MOST,
            **kwargs,
        )


class LooksFileView(LooksMixin, View):
    """The ledger of the days `from` up to `to`, as `format` csv or xlsx."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        try:
            first, last = (
                DayField(required=False).clean(request.GET.get(name, "")) for name in ("from", "to")
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("looks")
        if not (first and last and first <= last < first + looks_file.DAYS_AT_MOST * DAY):
            text = _("Give two days: from, and to, at most %(days)d days.")
            messages.error(request, text % {"days": looks_file.DAYS_AT_MOST})
            return redirect("looks")
        place = EXPORTS.take(self.access.person.pk)
        if place is None:
            messages.warning(request, _("Too many exports are running. Try again later."))
            return redirect("looks")
        last = min(last, timezone.localtime(self.now).date())
        start = Window.whole_day(first).start
        cages = list(self.cages_since(Window(start, start)))
        is_book = request.GET.get("format") == "xlsx"
        make = looks_file.workbook_pieces if is_book else looks_file.csv_pieces
        sending = Sending(make(cages, first, last, self.now), place)
        name = f"neurocage-looks-{first}-to-{last}"
        return file_response(sending, name, "excel" if is_book else "csv")
