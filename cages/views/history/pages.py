"""The history of one cage, and the comparison of several."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import DetailView, TemplateView

from cages.clock import now_of
from cages.drawing import charts
from cages.filters import CageFilter
from cages.history import handling, moment, spells
from cages.history.buckets import Bucket, buckets_of, since, total_of
from cages.history.minutes import minutes_of
from cages.history.span import Span
from cages.history.summaries import HealthSummary, SensorSummary
from cages.history.window import DAY, Window
from cages.models import Cage
from cages.views.access import CageAccessMixin
from cages.views.cages.selection import SelectionMixin
from cages.views.site.long_pages import LongPageMixin

# The most days shown minute by minute. With 130,000 minutes the page is still quick.
STRIP_DAYS = 90
SPELLS_SHOWN = 25
# More days than this count as a long page.
SHORT_DAYS = 7
CAGES_COMPARED = 8
# A week of minutes of 8 cages would make a page of half a megabyte.
STRIP_DAYS_COMPARED = 2


class LongSpanMixin(LongPageMixin):
    """A page about any days."""

    def takes_long(self) -> bool:
        span = Span.from_query(self.request.GET, now_of(self.request), default="7d")
        return span.day_count > SHORT_DAYS


class CageHistoryView(LongSpanMixin, CageAccessMixin, DetailView):
    """Any days of one cage: strips, shares, response times, Bad periods and gaps."""

    template_name = "cages/history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at, at_problem = _minute_asked_for(self.request.GET.get("at", ""))
        span = Span.from_query(self.request.GET, self.now, default="7d")
        cage = self.object
        window = span.window.since(cage.created_at)
        buckets = buckets_of([cage.pk], window, span.by_hour)[cage.pk]
        total = total_of(buckets, window)
        length, today = span.day_count * DAY, timezone.localtime(self.now).date()
        chosen = CageFilter.from_query(self.request.GET)
        is_short = span.day_count <= STRIP_DAYS
        leaves_out = is_short and self.request.GET.get("handling") == "out"
        fields = [*chosen.fields, *([("handling", "out")] if leaves_out else [])]
        kept = f"{urlencode(fields)}&" if fields else ""
        later = _query(span.first + length, min(span.last + length, today), kept)
        context = super().get_context_data(
            span=span,
            window=window,
            is_new=window != span.window,
            strip_days=STRIP_DAYS,
            silence_minutes=spells.GAP,
            health_summary=total.health,
            sensor=total.sensor,
            buckets=buckets,
            shares_chart=charts.shares(buckets, span.by_hour),
            latency_chart=charts.latencies(buckets, span.by_hour),
            table=charts.table(buckets, span.by_hour),
            moments=moment.around(cage, at, self.now) if at else None,
            at=at,
            at_problem=at_problem,
            is_double="double" in self.request.GET,
            # Queries for the same number of days before and after.
            earlier=_query(span.first - length, span.last - length, kept),
            later=later if span.last < today else "",
            day_address=f"?{kept}from=DATE&to=DATE",
            today=today,
            filter=chosen,
            kept=fields,
            kept_query=kept,
            list_query=f"{chosen.query}&" if chosen.query else "",
            margin_minutes=settings.HANDLING_MARGIN_MINUTES,
            neighbours=chosen.apply(self.seen.active(), self.now).neighbours_of(cage),
            **kwargs,
        )
        if is_short:
            context.update(self._minute_by_minute(cage, window))
        if leaves_out:
            kept_minutes = self._without_handling(cage, window, context["minutes"])
            context.update(health_summary=kept_minutes.health, left_out=kept_minutes)
        return context

    def _without_handling(self, cage: Cage, window: Window, minutes: bytes) -> handling.LeftOut:
        """The minutes that no handling disturbed. Two queries."""
        around = handling.margin()
        marks = handling.marks_of([cage.pk], window, around)[cage.pk]
        return handling.without(minutes, handling.disturbed(marks, window, around))

    def _minute_by_minute(self, cage: Cage, window: Window) -> dict[str, Any]:
        minutes = minutes_of([cage.pk], window)[cage.pk]
        bad = spells.bad_spells(minutes, window.start, self.now)
        silences = spells.silences_in(minutes, window.start, now=self.now)
        return {
            "minutes": minutes,
            "days": _days(minutes, window),
            "bad_spells": bad[:SPELLS_SHOWN],
            "bad_count": len(bad),
            "silences": silences[:SPELLS_SHOWN],
            "silence_count": len(silences),
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """One cage beside others. minutes: empty where they would be too many."""

    cage: Cage
    is_new: bool
    buckets: list[Bucket]
    health: HealthSummary
    sensor: SensorSummary
    minutes: bytes


class CompareView(LongSpanMixin, SelectionMixin, TemplateView):
    """Up to CAGES_COMPARED cages on one page, with how much is known of each."""

    template_name = "cages/compare.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.count:
            return self.nothing_selected()
        if self.count > CAGES_COMPARED:
            text = _("At most %(count)s cages can be compared at a time.")
            messages.warning(request, text % {"count": CAGES_COMPARED})
            return redirect(self.list_address)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        span = Span.from_query(self.request.GET, self.now, default="7d")
        cages = list(self.cages.select_related("state"))
        ids = [cage.pk for cage in cages]
        found = buckets_of(ids, span.window, span.by_hour)
        minute_by_minute = span.day_count <= STRIP_DAYS_COMPARED
        minutes = minutes_of(ids, span.window) if minute_by_minute else {}
        compared = []
        for cage in cages:
            window = span.window.since(cage.created_at)
            buckets = since(found[cage.pk], window.start)
            total = total_of(buckets, window)
            is_new = window != span.window
            part = minutes.get(cage.pk, b"")[span.window.minutes - window.minutes :]
            compared.append(Compared(cage, is_new, buckets, total.health, total.sensor, part))
        return super().get_context_data(
            span=span,
            window=span.window,
            compared=compared,
            minute_by_minute=minute_by_minute,
            strip_days=STRIP_DAYS_COMPARED,
            list_address=self.list_address,
            kept=[*(("cage", cage.pk) for cage in cages), *self.filter.fields],
            filter=self.filter,
            **kwargs,
        )


def redirect_to_moment(cage: Cage, text: str) -> HttpResponse:
    """Redirect to the minute that `?at=` names; where it names none, that page says why."""
    address = reverse("cage-history", args=[cage.pk])
    at, _problem = _minute_asked_for(text)
    if at is None:
        return redirect(f"{address}?{urlencode({'at': text})}#minute")
    local = timezone.localtime(at)
    query = _query(local.date(), local.date())
    named = urlencode({"at": f"{local:%Y-%m-%dT%H:%M%z}"}, safe=":")
    return redirect(f"{address}?{query}&{named}#minute")


def _minute_asked_for(text: str) -> tuple[datetime | None, str]:
    """(the slot that `?at=` names, what is wrong with it in words)."""
    if not text:
        return None, ""
    try:
        return moment.slot_from(text), ""
    except moment.NotATime as error:
        return None, str(error)


def _days(minutes: bytes, window: Window) -> list[tuple[date, Window, bytes]]:
    """[(date, its Window, its minutes)] of the window's days, oldest first."""
    days, start = [], 0
    for day, part in window.days():
        days.append((day, part, minutes[start : start + part.minutes]))
        start += part.minutes
    return days


def _query(first: date, last: date, kept: str = "") -> str:
    """The days as they appear in a URL after `kept`; "" before anything was measured."""
    if first.year < moment.FIRST_YEAR:
        return ""
    return f"{kept}from={first.isoformat()}&to={max(last, first).isoformat()}"
