"""The past of one cage, and of several beside each other."""

from datetime import date

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import DetailView, TemplateView

from cages.drawing import charts
from cages.history import moment, spells
from cages.history.buckets import buckets_of, since, total_of
from cages.history.minutes import minutes_of
from cages.history.span import Span
from cages.history.window import DAY
from cages.views.access import CageAccessMixin
from cages.views.cages.selection import SelectionMixin

# Minute by minute only so far: 130,000 of them are a page that is still quick.
STRIP_DAYS = 90
SPELLS_SHOWN = 25
CAGES_COMPARED = 8
# Of 8 cages, a week of minutes would be a page of half a megabyte.
STRIP_DAYS_COMPARED = 2


class CageHistoryView(CageAccessMixin, DetailView):
    """Any days of one cage: strips, shares, response times, spells, silences."""

    template_name = "cages/history.html"

    def get_context_data(self, **kwargs):
        at = moment.slot_from(self.request.GET.get("at", ""))
        span = Span.from_query(self.request.GET, self.now, default="7d")
        cage = self.object
        window = span.window.since(cage.created_at)
        buckets = buckets_of([cage.pk], window, span.by_hour)[cage.pk]
        total = total_of(buckets, window)
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
            is_double="double" in self.request.GET,
            **self._beside(span),
            **kwargs,
        )
        if span.day_count <= STRIP_DAYS:
            context.update(self._minute_by_minute(cage, window))
        return context

    def _minute_by_minute(self, cage, window):
        minutes = minutes_of([cage.pk], window)[cage.pk]
        bad = spells.bad_spells(minutes, window.start)
        silences = spells.silences_in(minutes, window.start)
        return {
            "minutes": minutes,
            "days": _days(minutes, window),
            "bad_spells": bad[:SPELLS_SHOWN],
            "bad_count": len(bad),
            "silences": silences[:SPELLS_SHOWN],
            "silence_count": len(silences),
        }

    def _beside(self, span):
        """The days before and after, as many as are shown."""
        length = span.day_count * DAY
        today = timezone.localtime(self.now).date()
        return {
            "earlier": _query(span.first - length, span.last - length),
            "later": _query(span.first + length, min(span.last + length, today))
            if span.last < today
            else "",
            "today": today,
        }


class CompareView(SelectionMixin, TemplateView):
    """Up to 8 cages under each other, with how much is known of each."""

    template_name = "cages/compare.html"

    def get(self, request, *args, **kwargs):
        if not self.count:
            return self.nothing_selected()
        if self.count > CAGES_COMPARED:
            text = _("At most %(count)s cages can be compared at once.") % {"count": CAGES_COMPARED}
            messages.warning(request, text)
            return redirect(self.list_address)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs):
        span = Span.from_query(self.request.GET, self.now, default="7d")
        cages = list(self.cages.select_related("state"))
        ids = [cage.pk for cage in cages]
        found = buckets_of(ids, span.window, span.by_hour)
        minute_by_minute = span.day_count <= STRIP_DAYS_COMPARED
        minutes = minutes_of(ids, span.window) if minute_by_minute else {}
        for cage in cages:
            window = span.window.since(cage.created_at)
            cage.is_new = window != span.window
            cage.buckets = since(found[cage.pk], window.start)
            total = total_of(cage.buckets, window)
            cage.health_summary, cage.sensor = total.health, total.sensor
            if minute_by_minute:
                cage.minutes = minutes[cage.pk][span.window.minutes - window.minutes :]
        return super().get_context_data(
            span=span,
            window=span.window,
            compared=cages,
            minute_by_minute=minute_by_minute,
            strip_days=STRIP_DAYS_COMPARED,
            list_address=self.list_address,
            kept=[("cage", cage.pk) for cage in cages],
            **kwargs,
        )


def redirect_to_moment(cage, text):
    """Where `?at=` leads; an ordinary cage page where it makes no sense."""
    at = moment.slot_from(text)
    if at is None:
        return redirect(cage)
    day = timezone.localtime(at).date()
    address = reverse("cage-history", args=[cage.pk])
    local = timezone.localtime(at).strftime("%Y-%m-%dT%H:%M%z")
    return redirect(f"{address}?{_query(day, day)}&at={local.replace('+', '%2B')}#minute")


def _days(minutes, window):
    """[(date, its Window, its minutes)] of the window's days, oldest first."""
    days, start = [], 0
    for day, part in window.days():
        days.append((day, part, minutes[start : start + part.minutes]))
        start += part.minutes
    return days


def _query(first, last):
    return f"from={first.isoformat()}&to={max(last, first).isoformat()}" if first > date.min else ""
