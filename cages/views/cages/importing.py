"""Import cages from a CSV file: choose it, see what would change, confirm."""

import csv
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import FormView, View

from cages.importing.carry_out import PlanChangedError, carry_out
from cages.importing.form import ImportForm
from cages.importing.plan import plan_of
from cages.importing.sheet import (
    COLUMNS,
    LARGEST_FILE,
    SheetRow,
    UnreadableSheetError,
    packed,
    rows_of,
    unpacked,
)
from cages.models.cycle import runs_of
from cages.models.fields import FIELDS
from cages.views.access import CageAccessMixin
from cages.views.site.long_pages import LongPageMixin

KILOBYTE = 1024
# Rows of each kind that the preview shows. Their number is always shown.
ROWS_SHOWN = 500


class ImportView(LongPageMixin, CageAccessMixin, FormView):
    """The server does not keep the file. The preview holds it and sends it back."""

    template_name = "cages/import.html"
    form_class = ImportForm
    # The file and the parts of the form around it.
    largest_body = LARGEST_FILE + 64 * KILOBYTE

    def takes_long(self) -> bool:
        return self.request.method == "POST"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        columns = [
            field
            for field in FIELDS
            if field.permission is None or self.access.may(field.permission)
        ]
        return super().get_context_data(columns=columns, **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.access.may_import:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "packed" in request.POST:
            return self.confirm(request.POST["packed"], request.POST.get("fingerprint", ""))
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        # One byte more than allowed shows that it is too large.
        data = form.cleaned_data["file"].read(LARGEST_FILE + 1)
        try:
            return self.show_plan(rows_of(data), packed(data))
        except UnreadableSheetError as error:
            form.add_error("file", str(error))
            return self.form_invalid(form)

    def confirm(self, text: str, fingerprint: str) -> HttpResponse:
        try:
            rows = rows_of(unpacked(text))
        except UnreadableSheetError as error:
            messages.error(self.request, str(error))
            return self.form_invalid(self.form_class())
        try:
            plan = carry_out(rows, fingerprint, self.access.person, self.now)
        except (PlanChangedError, IntegrityError):
            messages.warning(
                self.request,
                _(
                    "Cages have changed since the preview, so nothing was imported. "
                    "Check the new preview."
                ),
            )
            return self.show_plan(rows, text)
        messages.success(
            self.request,
            _(
                "Imported: %(new)d new, %(changed)d changed, %(unchanged)d unchanged, "
                "%(refused)d refused."
            )
            % {kind: len(getattr(plan, kind)) for kind in plan.__slots__},
        )
        return redirect("cage-list")

    def show_plan(self, rows: list[SheetRow], text: str) -> HttpResponse:
        plan = plan_of(rows, self.access.person)
        kinds = {kind: getattr(plan, kind) for kind in ("refused", "changed", "new")}
        context = self.get_context_data(
            plan=plan,
            packed=text,
            shown={kind: planned[:ROWS_SHOWN] for kind, planned in kinds.items()},
            rest={kind: max(len(planned) - ROWS_SHOWN, 0) for kind, planned in kinds.items()},
            unchanged=runs_of(row.number for row in plan.unchanged)[:ROWS_SHOWN],
            import_count=len(plan.new) + len(plan.changed),
        )
        return self.response_class(self.request, "cages/import_plan.html", context)


class ImportTemplateView(View):
    """A CSV file with only the column names, to fill in."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="cages.csv"'
        csv.writer(response).writerow(COLUMNS)
        return response
