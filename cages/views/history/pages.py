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
from cages.drawing import charts, light
from cages.drawing.pins import Numbered, numbered
from cages.drawing.stacks import stack_of
from cages.filters import CageFilter
from cages.history import handling, moment, spells
from cages.history.axis import TAU_FROM, TAU_STEP, TAU_TO, Axis
from cages.history.buckets import Bucket, buckets_of, since, total_of
from cages.history.handling import marks_of
from cages.history.light import LAST_PHASE_WITHIN, Runs, has_light, last_dark_phase, light_of
from cages.history.minutes import minutes_of
from cages.history.span import Span
from cages.history.summaries import HealthSummary, SensorSummary
from cages.history.window import DAY, Window
from cages.models import Cage
from cages.slots import SLOT_LENGTH
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
        cage = self.object
        span = Span.from_query(
            self.request.GET, self.now, "7d", lambda: last_dark_phase(cage.pk, self.now)
        )
        window = span.window.since(cage.created_at)
        buckets = buckets_of([cage.pk], window, span.by_hour)[cage.pk]
        total = total_of(buckets, window)
        runs = light_of([cage.pk], _to_midnight(span))[cage.pk]
        found = marks_of([cage.pk], window)[cage.pk]
        marks = numbered(found)
        axis = Axis.from_query(self.request.GET)
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
            shares_chart=charts.shares(buckets, span.by_hour, runs, marks),
            latency_chart=charts.latencies(buckets, span.by_hour, runs, marks),
            table=charts.table(buckets, span.by_hour, runs),
            runs=runs if has_light(runs) else [],
            marks=marks,
            marks_left_out=len(found) - len(marks),
            moments=moment.around(cage, at, self.now) if at else None,
            at=at,
            at_problem=at_problem,
            light_at=_light_at(cage, at) if at else "",
            axis=axis,
            tau=(TAU_FROM, TAU_TO, TAU_STEP),
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
            minutes = minutes_of([cage.pk], window)[cage.pk]
            context.update(self._minute_by_minute(minutes, window))
            if span.is_whole_days and span.day_count > 1:
                context["stack"] = stack_of(minutes, window, axis, runs, marks)
            if leaves_out:
                kept_minutes = self._without_handling(cage, window, minutes)
                context.update(health_summary=kept_minutes.health, left_out=kept_minutes)
        return context

    def _without_handling(self, cage: Cage, window: Window, minutes: bytes) -> handling.LeftOut:
        """The minutes that no handling disturbed. Two queries."""
        around = handling.margin()
        marks = marks_of([cage.pk], window, around)[cage.pk]
        return handling.without(minutes, handling.disturbed(marks, window, around))

    def _minute_by_minute(self, minutes: bytes, window: Window) -> dict[str, Any]:
        bad = spells.bad_spells(minutes, window.start, self.now)
        silences = spells.silences_in(minutes, window.start, now=self.now)
        return {
            "minutes": minutes,
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
    runs: Runs
    marks: list[Numbered]


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
        # Days are wider than phases.
        runs = light_of(ids, span.window) if span.by_hour else {}
        marks = marks_of(ids, span.window) if minute_by_minute else {}
        compared = []
        for cage in cages:
            window = span.window.since(cage.created_at)
            buckets = since(found[cage.pk], window.start)
            total = total_of(buckets, window)
            is_new = window != span.window
            part = minutes.get(cage.pk, b"")[span.window.minutes - window.minutes :]
            facts = (cage, is_new, buckets, total.health, total.sensor, part)
            pins = numbered(marks.get(cage.pk, []))
            compared.append(Compared(*facts, runs.get(cage.pk, []), pins))
        return super().get_context_data(
            span=span,
            window=span.window,
            compared=compared,
            has_light=any(has_light(one.runs) for one in compared),
            has_marks=any(one.marks for one in compared),
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


def _to_midnight(span: Span) -> Window:
    """The span with the rest of its last day, which is shaded too."""
    end = Window.whole_day(span.last).end if span.is_whole_days else span.window.end
    return Window(span.window.start, max(end, span.window.end))


def _light_at(cage: Cage, slot: datetime) -> str:
    """The light in the minute that is shown, in words. Two queries."""
    window = Window(slot - LAST_PHASE_WITHIN, slot + SLOT_LENGTH)
    return light.at_slot(light_of([cage.pk], window)[cage.pk], slot)


def _query(first: date, last: date, kept: str = "") -> str:
    """The days as they appear in a URL after `kept`; "" before anything was measured."""
    if first.year < moment.FIRST_YEAR:
        return ""
    return f"{kept}from={first.isoformat()}&to={max(last, first).isoformat()}"
