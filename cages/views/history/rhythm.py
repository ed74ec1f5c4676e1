"""The rhythm of one cage, and of several with their groups."""

from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import DetailView, TemplateView

from cages.drawing import rhythms as drawing
from cages.drawing.words import fraction
from cages.filters import CageFilter
from cages.history.group_rhythms import FIGURES as FIGURES_OF_CAGES
from cages.history.group_rhythms import GroupFigures, by_group
from cages.history.rhythms import Told, rhythms_of
from cages.history.span import Span
from cages.history.window import DAY, Window
from cages.models import Health, Housing
from cages.models.animal import HousingQuerySet
from cages.rhythm.actogram import LEAST_TAU, MOST_TAU
from cages.rhythm.nonparametric import LEAST_ACTIVE_HOURS, MOST_ACTIVE_HOURS, Cosinor
from cages.rhythm.periodogram import SIGNIFICANCE, Periodogram
from cages.rhythm.question import (
    AXES,
    BINS,
    MOST_CAGES,
    MOST_DAYS,
    MOST_DAYS_OF_MANY,
    Question,
)
from cages.rhythm.series import LEAST_COVERAGE, LEAST_DAYS
from cages.views.access import CageAccessMixin
from cages.views.cages.selection import ticked_ids
from cages.views.history.study_groups import WHY
from cages.views.site.long_pages import LongPageMixin

GROUPS_AT_MOST = 100
# What is told of a cage, in this order.
FIGURES = {
    "stability": gettext_lazy("IS, stability between days"),
    "variability": gettext_lazy("IV, variability within days"),
    "amplitude": gettext_lazy("RA, relative amplitude"),
}
# Of several cages: the columns of FIGURES of cages.history.group_rhythms.
COLUMNS = {
    "stability": "IS",
    "variability": "IV",
    "amplitude": "RA",
    "least": f"L{LEAST_ACTIVE_HOURS}",
    "most": f"M{MOST_ACTIVE_HOURS}",
    "period": gettext_lazy("Period"),
}


def _cut(span: Span, days: int) -> tuple[Window, bool]:
    """(the last days of the span, whether there are more)."""
    start = span.window.end - days * DAY
    is_cut = span.window.start < start
    return (Window(start, span.window.end) if is_cut else span.window), is_cut


class RhythmMixin(LongPageMixin, CageAccessMixin):
    """A page about the rhythm of days. It takes CPU, so one person has one at a time."""

    def asked(self) -> tuple[Question, Span]:
        query = self.request.GET
        return Question.from_query(query), Span.from_query(query, self.now, default="30d")

    def choices(self, question: Question, span: Span) -> dict[str, Any]:
        """What every page of rhythms needs for its form and its words."""
        return {
            "question": question,
            "span": span,
            "today": timezone.localtime(self.now).date(),
            "healths": [(one.word, one.label) for one in reversed(Health)],
            "bins": BINS,
            "axes": [(axis.value, words) for axis, words in AXES.items()],
            "tau_least": LEAST_TAU,
            "tau_most": MOST_TAU,
            "margin_minutes": settings.HANDLING_MARGIN_MINUTES,
            "least_days": LEAST_DAYS,
            "least_coverage": fraction(LEAST_COVERAGE),
            "significance": fraction(SIGNIFICANCE),
        }


class CageRhythmView(RhythmMixin, DetailView):
    """Actogram, periodograms and the figures of one cage."""

    template_name = "cages/rhythm.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        question, span = self.asked()
        window, is_cut = _cut(span, MOST_DAYS)
        told = rhythms_of([self.object], window, question)[0]
        chosen = CageFilter.from_query(self.request.GET)
        return super().get_context_data(
            **self.choices(question, span),
            told=told,
            window=told.window,
            most_days=MOST_DAYS if is_cut else None,
            figures=figures_of(told),
            actogram=_actogram(told) if told.actogram.starts else None,
            periodograms=_periodograms(told),
            kept=[*chosen.fields, *question.fields],
            kept_beside=[*chosen.fields, *parse_qsl(span.query)],
            filter=chosen,
            neighbours=chosen.apply(self.seen.active(), self.now).neighbours_of(self.object),
            **kwargs,
        )


def _actogram(told: Told) -> drawing.Picture:
    asked = told.question
    words = _(
        "Share of %(health)s in bins of %(minutes)d minutes, %(rows)d rows from %(start)s."
    ) % {
        "health": asked.health.label,
        "minutes": asked.bin_minutes,
        "rows": len(told.actogram.starts),
        "start": f"{timezone.localtime(told.window.start):%Y-%m-%d}",
    }
    return drawing.actogram_picture(told.actogram, asked.bin_minutes, told.runs, words)


def _periodograms(told: Told) -> list[dict[str, Any]]:
    names = ((_("Lomb-Scargle"), told.lomb_scargle), (_("Chi-square"), told.chi_square))
    return [_periodogram(name, one) for name, one in names if one]


def _periodogram(name: str, one: Periodogram) -> dict[str, Any]:
    return {
        "name": name,
        "peak": drawing.figure(one.peak, 4),
        "power": drawing.figure(one.peak_power),
        "is_significant": one.is_significant,
        "step": drawing.figure(one.step, 2),
        "picture": drawing.periodogram_picture(one, name),
        "rows": drawing.periodogram_rows(one),
    }


def figures_of(told: Told) -> list[tuple[str, str]]:
    """[(what, figure)] of one cage; "–" where it cannot be told."""
    rhythm, is_zt = told.rhythm, told.is_zt
    low, high = rhythm.least_active, rhythm.most_active
    rows = [(str(words), drawing.figure(getattr(rhythm, name))) for name, words in FIGURES.items()]
    for name, hours, one in (("L", LEAST_ACTIVE_HOURS, low), ("M", MOST_ACTIVE_HOURS, high)):
        begins = drawing.hour_of_day(one.begins if one else None, is_zt)
        words = _("%(share)s, from %(begins)s") % {
            "share": fraction(one.mean if one else None),
            "begins": begins,
        }
        rows.append((f"{name}{hours}", words if one else "–"))
    for words, edge in ((_("Onset"), rhythm.onset), (_("Offset"), rhythm.offset)):
        at = drawing.hour_of_day(edge.at if edge else None, is_zt)
        match = _("%(at)s (%(match)s of the hours around agree)") % {
            "at": at,
            "match": fraction(edge.match if edge else None),
        }
        rows.append((words, match if edge else "–"))
    rows.append((_("Acrophase of the cosine of 24 hours"), _cosinor(rhythm.cosinor, is_zt)))
    return rows


def _cosinor(one: Cosinor | None, is_zt: bool) -> str:
    if one is None:
        return "–"
    words = _("%(at)s; mean %(mesor)s, amplitude %(amplitude)s, explains %(explained)s of variance")
    return words % {
        "at": drawing.hour_of_day(one.acrophase, is_zt),
        "mesor": fraction(one.mesor),
        "amplitude": fraction(one.amplitude),
        "explained": fraction(one.explained),
    }


class GroupRhythmView(RhythmMixin, TemplateView):
    """Several cages and their groups.

    `cage=1&cage=3`, or `which=all` and the list's filter, or all cages of `group=treated`.
    """

    template_name = "cages/rhythm_groups.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        question, span = self.asked()
        window, is_cut = _cut(span, MOST_DAYS_OF_MANY)
        query = self.request.GET
        ids, wanted = ticked_ids(query), [name for name in query.getlist("group") if name]
        cages = self.seen.order_by("label_sort_key", "pk")
        chosen = [("group", name) for name in wanted] or [("cage", str(one)) for one in sorted(ids)]
        if wanted:
            housed = self._housed(window).filter(animal__group__in=wanted[:GROUPS_AT_MOST])
            cages = cages.filter(pk__in=housed.values("cage"))
        elif query.get("which") == "all":
            listed = CageFilter.from_query(query)
            cages = listed.apply(self.seen.active(), self.now).order_by("label_sort_key", "pk")
            chosen = [("which", "all"), *listed.fields]
        else:
            cages = cages.filter(pk__in=ids)
        found = list(cages[: MOST_CAGES + 1])
        rhythms = rhythms_of(found[:MOST_CAGES], window, question, by_group=True)
        groups = self._housed(window).exclude(animal__group="").order_by("animal__group")
        names = groups.values_list("animal__group", flat=True).distinct()[:GROUPS_AT_MOST]
        return super().get_context_data(
            **self.choices(question, span),
            window=window,
            most_days=MOST_DAYS_OF_MANY if is_cut else None,
            most_cages=MOST_CAGES if len(found) > MOST_CAGES else None,
            columns=COLUMNS.values(),
            cages=[(told, _cells(told)) for told in rhythms],
            groups=[(one, _spreads(one)) for one in by_group(rhythms)],
            left_out=[
                (told.cage.label, told.group, WHY[told.why_out]) for told in rhythms if told.why_out
            ],
            names=[(name, name in wanted) for name in names],
            kept=[*chosen, *question.fields],
            kept_beside=[*chosen, *parse_qsl(span.query)],
            **kwargs,
        )

    def _housed(self, window: Window) -> HousingQuerySet:
        """Who lived in the cages that the person sees, on a day of the window."""
        first, last = (timezone.localtime(one).date() for one in (window.start, window.end))
        seen = Housing.objects.filter(cage__in=self.seen.order_by().values("pk"))
        return seen.filter(Q(until=None) | Q(until__gt=first), since__lte=last)


def _cells(told: Told) -> list[str]:
    return [_cell(name, read(told)) for name, read in FIGURES_OF_CAGES.items()]


def _cell(name: str, value: float | None) -> str:
    if name in ("least", "most"):
        return fraction(value)
    return drawing.figure(value, 4 if name == "period" else 3)


def _spreads(group: GroupFigures) -> list[str]:
    """Middle, extremes and number of cages of each figure."""
    told = []
    for name, one in group.figures.items():
        if one is None:
            told.append("–")
            continue
        middle, low, high = (_cell(name, value) for value in (one.middle, one.low, one.high))
        told.append(
            _("%(middle)s (%(low)s to %(high)s, %(count)d cages)")
            % {"middle": middle, "low": low, "high": high, "count": one.count}
        )
    return told
