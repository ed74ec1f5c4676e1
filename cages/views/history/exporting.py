"""Export: the form, the file, and the data dictionary."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, View

from cages.exporting import files, rows
from cages.exporting.columns import KINDS
from cages.exporting.sending import Sending
from cages.filters import CageFilter
from cages.history.span import Span
from cages.views.access import CageAccessMixin
from cages.views.cages.selection import ticked_ids
from neurocage.limits import EXPORTS

KIND_NAMES = {
    "readings": _("Minutes: health and request, one row per minute"),
    "requests": _("Sensor requests, one row each, with details"),
    "hourly": _("Hours: minutes by state, requests by outcome, response times"),
}
FORMATS = {
    "csv": _("CSV, for pandas and R"),
    "excel": _("CSV, for Excel"),
    "parquet": _("Parquet"),
}


class ExportMixin(CageAccessMixin):
    """The URL says which cages (`cage=1&cage=3`, or the list's filter), days, kind and format."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        query = request.GET
        self.span = Span.from_query(query, self.now, default="7d")
        kind, format = query.get("kind", ""), query.get("format", "")
        self.kind = kind if kind in KINDS else "readings"
        self.format = format if format in FORMATS else "csv"
        ids = ticked_ids(query)
        self.filter = CageFilter.from_query(query)
        if ids and query.get("which") != "all":
            self.chosen = self.seen.filter(pk__in=ids).in_order(self.filter.order, self.now)
        else:
            self.chosen = self.filter.apply(self.seen.active(), self.now)


class ExportView(ExportMixin, TemplateView):
    template_name = "cages/export.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ids = [("cage", one) for one in ticked_ids(self.request.GET)]
        which = [("which", "all")] if self.request.GET.get("which") == "all" else []
        return super().get_context_data(
            span=self.span,
            today=timezone.localtime(self.now).date(),
            kind=self.kind,
            format=self.format,
            kinds=KIND_NAMES.items(),
            formats=FORMATS.items(),
            # What says which cages, for links to other days, kinds and formats.
            kept=[*ids, *which, *self.filter.fields],
            filter=self.filter,
            count=self.chosen.count(),
            first_labels=list(self.chosen.values_list("label", flat=True)[:5]),
            dictionary=KINDS.items(),
            **kwargs,
        )


class ExportFileView(ExportMixin, View):
    """The file. It is made while it is sent, and not stored."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if self.span.error:
            return redirect(self._form)
        place = EXPORTS.take(self.access.person.pk)
        if place is None:
            text = _(
                "An export of yours is running, or %(count)d of other people. "
                "Try again when one of them has finished."
            )
            messages.warning(request, text % {"count": EXPORTS.in_all})
            return redirect(self._form)
        # Read once, so that a cage renamed meanwhile keeps one label in the file.
        cages = list(self.chosen.order_by("pk").values_list("pk", "label", "created_at"))
        batches = rows.ROWS[self.kind](cages, self.span.window)
        columns, zone = KINDS[self.kind], timezone.get_default_timezone()
        if self.format == "parquet":
            pieces = files.as_parquet(columns, batches, zone)
            kind, ending = "application/vnd.apache.parquet", "parquet"
        else:
            pieces = files.as_csv(columns, batches, zone, for_excel=self.format == "excel")
            kind, ending = "text/csv; charset=utf-8", "csv"
        response = StreamingHttpResponse(Sending(pieces, place), content_type=kind)
        response["Content-Disposition"] = f'attachment; filename="{self._name(cages)}.{ending}"'
        response["Cache-Control"] = "private, no-store"
        # nginx must send each piece at once, and not collect them.
        response["X-Accel-Buffering"] = "no"
        return response

    @property
    def _form(self) -> str:
        return f"{reverse('cage-export')}?{self.request.GET.urlencode()}"

    def _name(self, cages: list[tuple[int, str, datetime]]) -> str:
        which = f"cage-{cages[0][0]}" if len(cages) == 1 else f"{len(cages)}-cages"
        return f"neurocage-{which}-{self.kind}-{self.span.first}-to-{self.span.last}"


class DictionaryView(View):
    """What every column of the exports means, as a CSV file."""

    def get(self, request: HttpRequest) -> HttpResponse:
        text = files.dictionary(KINDS, settings.FACILITY_TIME_ZONE)
        headers = {"Content-Disposition": 'attachment; filename="neurocage-data-dictionary.csv"'}
        return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
