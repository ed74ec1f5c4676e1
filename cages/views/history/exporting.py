"""Export: the form, the file of minutes, the file of cages, and the data dictionary."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, View

from cages.exporting import files, parquet, rows, workbook
from cages.exporting.animals import housings
from cages.exporting.cages import WRITERS, as_sheet, sheet_columns
from cages.exporting.circadian.archive import USUAL_BIN
from cages.exporting.columns import KINDS
from cages.exporting.dictionary import RULES, dictionary
from cages.exporting.sending import Sending
from cages.exporting.study.tables import Tables
from cages.filters import CageFilter
from cages.history.span import Span
from cages.importing.sheet import LARGEST_ROW_COUNT
from cages.models import Health, Housing
from cages.rhythm.series import BIN_MINUTES
from cages.views.access import CageAccessMixin
from cages.views.cages.selection import ticked_ids
from neurocage.limits import EXPORTS

KIND_NAMES = {
    "readings": _("Minutes: health and request, one row per minute"),
    "requests": _("Sensor requests, one row each, with details"),
    "hourly": _("Hours: minutes by state, requests by outcome, response times"),
}
TABLES = {
    "events": _("Events"),
    "marks": _("Marks"),
    "schedules": _("Light schedules"),
    "animals": _("Animals"),
}
# {format: (its name, how it tells a gap)}
PROGRAMS = {
    "actogramj": ("ActogramJ", _("NaN, and a list of the gaps beside it")),
    "clocklab": ("ClockLab (AWD)", "-1"),
    "dam2": (_("DAM2 monitor file, for rethomics"), _("a line with status 51")),
    "dam5": (_("DAM5 monitor file, for rethomics"), _("a line with status 51")),
    "table": (_("Table, for pyActigraphy"), _("an empty value")),
}
# What the times in files for these programs count from.
STANDARD, ZT = "standard", "zt"
CLOCKS = {
    STANDARD: _("the facility's standard time, without summer time"),
    ZT: _("zeitgeber time: 00:00 is lights on"),
}
LARGEST_SHEET = files.SHEET_ROWS - 1
FORMATS = {
    "csv": _("CSV, for pandas and R"),
    "excel": format_lazy(
        _("Excel (.xlsx), at most {rows} rows"),
        rows=lazy(number_format, str)(LARGEST_SHEET, force_grouping=True),
    ),
    "parquet": _("Parquet"),
}
WRITE = {"csv": files.as_csv, "excel": workbook.as_workbook, "parquet": parquet.as_parquet}
# The content type and the ending of each format.
TYPES = {
    "csv": ("text/csv; charset=utf-8", "csv"),
    "excel": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    "parquet": ("application/vnd.apache.parquet", "parquet"),
    "zip": ("application/zip", "zip"),
}
LABELS_SHOWN = 5
# Which cages, apart from those that are ticked: all of the list, or all of the archive.
ALL, ARCHIVED = "all", "archived"


def file_response(pieces: Iterable[bytes], name: str, format: str) -> StreamingHttpResponse:
    """Return a file that is made while it is sent. name: without its ending."""
    kind, ending = TYPES[format]
    response = StreamingHttpResponse(pieces, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    # nginx must send each piece at once, and not collect them.
    response["X-Accel-Buffering"] = "no"
    return response


class ExportMixin(CageAccessMixin):
    """The URL says which cages (`cage=1&cage=3`, or the list's filter), days, kind and format.

    `which=all` is all that the list shows, `which=archived` all of the archive.
    """

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        query = request.GET
        self.span = Span.from_query(query, self.now, default="7d")
        kind, format = query.get("kind", ""), query.get("format", "")
        self.kind = kind if kind in KINDS else "readings"
        self.format = format if format in FORMATS else "csv"
        ids = ticked_ids(query)
        self.which = which if (which := query.get("which", "")) in (ALL, ARCHIVED) else ""
        self.filter = CageFilter.from_query(query)
        self.form_address = f"{reverse('cage-export')}?{query.urlencode()}"
        if ids and not self.which:
            self.chosen = self.seen.filter(pk__in=ids).in_order(self.filter.order, self.now)
        elif self.which == ARCHIVED:
            self.chosen = self.seen.archived()
        else:
            self.chosen = self.filter.apply(self.seen.active(), self.now)

    def sent(self, pieces: files.Pieces, name: str) -> HttpResponseBase:
        """The file, or the form again where too many exports are running."""
        place = EXPORTS.take(self.access.person.pk)
        if place is None:
            text = gettext(
                "An export of yours is running, or %(count)d of other people. "
                "Try again when one of them has finished."
            )
            return self.refused(text % {"count": EXPORTS.in_all})
        return file_response(Sending(pieces, place), name, self.format)

    def refused(self, words: str) -> HttpResponse:
        """Lead back to the form, which shows the words."""
        messages.warning(self.request, words)
        return redirect(self.form_address)


class ExportView(ExportMixin, TemplateView):
    template_name = "cages/export.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ids = [("cage", one) for one in ticked_ids(self.request.GET)]
        which = [("which", self.which)] if self.which else []
        count = self.chosen.count()
        return super().get_context_data(
            span=self.span,
            today=timezone.localtime(self.now).date(),
            kind=self.kind,
            format=self.format,
            kinds=KIND_NAMES.items(),
            # The others are still listed, so that nobody looks for them.
            formats=[
                (name, words, name != "parquet" or parquet.is_installed())
                for name, words in FORMATS.items()
            ],
            # What says which cages, for links to other days, kinds and formats.
            kept=[*ids, *which, *self.filter.fields],
            filter=self.filter,
            count=count,
            first_labels=list(self.chosen.values_list("label", flat=True)[:LABELS_SHOWN]),
            dictionary=KINDS.items(),
            rules=RULES.values(),
            sheet_columns=sheet_columns(self.access),
            tables=TABLES.items(),
            programs=PROGRAMS.items(),
            clocks=CLOCKS.items(),
            bins=BIN_MINUTES,
            usual_bin=USUAL_BIN,
            healths=[(one.word, one.label, one == Health.PERFECT) for one in Health],
            study_query=self.request.GET.urlencode(),
            import_rows=LARGEST_ROW_COUNT if count > LARGEST_ROW_COUNT else None,
            **kwargs,
        )


class ExportFileView(ExportMixin, View):
    """The file. It is made while it is sent, and not stored."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if self.span.error:
            return redirect(self.form_address)
        # Read once, so that a cage renamed meanwhile keeps one label in the file.
        cages = list(self.chosen.order_by("pk").values_list("pk", "label", "created_at"))
        if self.format == "parquet" and not parquet.is_installed():
            return self.refused(gettext("Parquet is not installed on this server. Choose CSV."))
        if self.format == "excel":
            count = rows.most_rows(self.kind, cages, self.span.window)
            if count > LARGEST_SHEET:
                return self.refused(_too_long(count))
        batches = rows.ROWS[self.kind](cages, self.span.window)
        write, zone = WRITE[self.format], timezone.get_default_timezone()
        return self.sent(write(KINDS[self.kind], batches, zone), self._name(cages))

    def _name(self, cages: list[tuple[int, str, datetime]]) -> str:
        which = f"cage-{cages[0][0]}" if len(cages) == 1 else f"{len(cages)}-cages"
        return f"neurocage-{which}-{self.kind}-{self.span.first}-to-{self.span.last}"


def _too_long(count: int) -> str:
    text = gettext(
        "These cages and days have up to %(count)s rows, and a sheet of Excel has %(most)s "
        "at most. Choose fewer days or cages, hours, or CSV."
    )
    shown = {"count": count, "most": LARGEST_SHEET}
    return text % {name: number_format(one, force_grouping=True) for name, one in shown.items()}


class ExportTableView(ExportMixin, View):
    """Events, marks, light schedules or animals of the chosen cages and days, as CSV."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        name = request.GET.get("table", "")
        if self.span.error or name not in TABLES:
            return redirect(self.form_address)
        cages = list(self.chosen.order_by("pk").values_list("pk", "label"))
        self.format = "csv"
        pieces = Tables(cages, self.span.window).pieces(name)
        return self.sent(pieces, f"neurocage-{name}-{self.span.first}-to-{self.span.last}")


class ExportCagesView(ExportMixin, View):
    """The chosen cages as the import reads them, as an Excel workbook or CSV."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        self.format = self.format if self.format in WRITERS else "excel"
        pieces = as_sheet(self.chosen, self.access, self.format)
        return self.sent(pieces, f"neurocage-cages-{timezone.localtime(self.now).date()}")


class ExportAnimalsView(ExportMixin, View):
    """Who lived in the chosen cages when, whatever the days, as an Excel workbook or CSV.

    Archived cages that the filter of the list finds are among them, as the list has no other way to
    them.
    """

    def get(self, request: HttpRequest) -> HttpResponseBase:
        self.format = self.format if self.format in WRITERS else "excel"
        if self.which == ALL and not self.filter.state:
            self.chosen = self.filter.apply(self.seen, self.now)
        cages = list(self.chosen.order_by("pk").values_list("pk", "label", "archived_at"))
        if self.format == "excel":
            count = Housing.objects.filter(cage__in=[pk for pk, *_rest in cages]).count()
            if count > LARGEST_SHEET:
                return self.refused(_too_long(count))
        pieces = housings(cages, self.format)
        return self.sent(pieces, f"neurocage-animals-{timezone.localtime(self.now).date()}")


class DictionaryView(View):
    """What every column of the exports means, as a CSV file."""

    def get(self, request: HttpRequest) -> HttpResponse:
        headers = {"Content-Disposition": 'attachment; filename="neurocage-data-dictionary.csv"'}
        return HttpResponse(dictionary(), content_type="text/csv; charset=utf-8", headers=headers)
