"""The page of one cage: its data, and health and sensor functionality today."""

from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.generic import DetailView

from cages.drawing import light, strips
from cages.drawing.pins import numbered
from cages.filters import CageFilter
from cages.history import band, handling, nights, spells
from cages.history.light import Runs, has_light, light_of
from cages.history.minutes import KNOWN, minutes_of
from cages.history.summaries import health_of, sensor_in
from cages.history.window import DAY, Window
from cages.housing import ANIMALS_AT_MOST
from cages.marking import Held, taps_of
from cages.models import Animal, Cage, Health, Housing, Mark, Poll
from cages.models.cage import CageQuerySet
from cages.models.fields import facts_of
from cages.slots import SLOT_LENGTH, slot_of
from cages.views.access import CageAccessMixin
from cages.views.history.pages import redirect_to_moment
from cages.views.site.live import LiveMixin

# One hour on each page of the tables, so that the whole page stays small.
ROWS_A_PAGE = 60
EVENTS_SHOWN = 20
MARK_DAYS, MARKS_SHOWN = 14, 20


class CageDetailView(LiveMixin, CageAccessMixin, DetailView):
    template_name = "cages/detail.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.GET.get("at"):
            return redirect_to_moment(self.get_object(), request.GET["at"])
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> CageQuerySet:
        trouble = self.seen.in_trouble(self.now).counted()
        cages = super().get_queryset().with_animals(timezone.localtime(self.now).date())
        cages = cages.annotate(trouble=trouble)
        return self.access.marked_for_finding(self.access.marked(cages))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        cage = self.object
        today = Window.today(self.now)
        window = today.since(cage.created_at)
        # One reading of the minutes for today and for the dark phases before.
        begin = today.start - nights.LOOKED_BACK
        since = Window(begin, today.end).since(cage.created_at)
        every = minutes_of([cage.pk], since)[cage.pk]
        minutes = every[len(every) - window.minutes :]
        shown = Window(
            today.start - nights.LOOKED_BACK,
            Window.whole_day(timezone.localtime(self.now).date()).end,
        )
        runs = light_of([cage.pk], shown)[cage.pk]
        known_light = runs if has_light(runs) else []
        marks = handling.marks_of([cage.pk], since, handling.margin())[cage.pk]
        sensor = sensor_in(cage, today)
        swapped_at = handling.sensor_since(cage.pk, self.now)
        expected = band.expected(cage, today, sensor.requests, swapped_at)
        requests = Poll.objects.of(cage, today)
        chosen = CageFilter.from_query(self.request.GET)
        return super().get_context_data(
            window=window,
            is_new_today=window != today,
            facts=facts_of(cage),
            living=_living(cage, self.now),
            trouble_count=cage.trouble,
            spell=cage.spell(self.now),
            is_late=cage.is_late(self.now),
            last_hour=cage.last_hour(self.now),
            minutes_today=minutes,
            health_summary=health_of(minutes),
            hours=_hours(minutes, window, runs),
            runs=known_light,
            light_now=light.at_slot(known_light, slot_of(self.now)),
            night=nights.night_of(every, since, runs, marks),
            phases_at_least=nights.PHASES_AT_LEAST,
            coverage_at_least=nights.COVERAGE_AT_LEAST,
            handling_minutes=handling.margin() // SLOT_LENGTH,
            marks=numbered(_within(marks, window)),
            longest_bad=spells.longest_bad(minutes, window.start, self.now),
            longest_silence=spells.longest_silence(minutes, window.start, self.now),
            sensor=sensor,
            band=expected,
            swapped_at=swapped_at
            if swapped_at and swapped_at > today.start - band.BASELINE
            else None,
            sensor_place=expected and expected.place_of(sensor.answered),
            readings=self._page("readings", _readings(minutes, window)),
            requests=self._page("requests", requests, sensor.planned),
            events=cage.events.newest_first().select_related("person")[:EVENTS_SHOWN],
            filter=chosen,
            **self._marks(cage),
            taps=taps_of(cage, Held(int(cage.is_handled and not cage.is_archived), 1)),
            # The cages before and after this one in the list that the person came from.
            neighbours=chosen.apply(self.seen.active(), self.now).neighbours_of(cage, "label"),
            **kwargs,
        )

    def _marks(self, cage: Cage) -> dict[str, Any]:
        """The newest marks of the last days, those of its rack and room too. Two queries."""
        span = Window(slot_of(self.now) - MARK_DAYS * DAY, slot_of(self.now) + SLOT_LENGTH)
        found = handling.marks_of([cage.pk], span)[cage.pk][::-1]
        cut = len(found) if len(found) > MARKS_SHOWN else 0
        return {"newest_marks": found[:MARKS_SHOWN], "marks_days": MARK_DAYS, "marks_cut": cut}

    def _page(self, name: str, rows: Any, count: int | None = None) -> Page:
        paginator = Paginator(rows, ROWS_A_PAGE)
        if count is not None:
            paginator.count = count
        return paginator.get_page(self.request.GET.get(name))


def _living(cage: Cage, now: datetime) -> list[tuple[Animal, int | None]]:
    """[(animal, its age in days)] of those that live in the cage today. One query."""
    today = timezone.localtime(now).date()
    found = Housing.objects.of([cage.pk]).on(today)[:ANIMALS_AT_MOST]
    return [(one.animal, one.animal.age_days(today)) for one in found]


def _hours(minutes: bytes, window: Window, runs: Runs) -> list[tuple[strips.Hour, str]]:
    """[(Hour, its light in words)]"""
    hours = strips.hours_of(minutes, window.start)
    ends = [*(hour.start for hour in hours[1:]), window.end][: len(hours)]
    return [
        (hour, light.minutes_by_phase(runs, Window(hour.start, end)))
        for hour, end in zip(hours, ends, strict=True)
    ]


def _within(marks: list[Mark], window: Window) -> list[Mark]:
    """The marks with a minute in the window."""
    return [mark for mark in marks if mark.starts_at < window.end and mark.ends_at >= window.start]


def _readings(minutes: bytes, window: Window) -> list[tuple[datetime, Health]]:
    """[(slot, Health)] of the known minutes, newest first."""
    known = [(number, code) for number, code in enumerate(minutes) if code in KNOWN]
    return [(window.start + number * SLOT_LENGTH, Health(code)) for number, code in known[::-1]]
