"""Import cages from a file: choose it, see what would change, confirm."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import FormView

from cages.exporting.cages import template
from cages.importing.carry_out import PlanChangedError, carry_out
from cages.importing.form import ImportForm
from cages.importing.lines import UnreadableSheetError
from cages.importing.packing import packed, unpacked
from cages.importing.plan import plan_of
from cages.importing.questions import Answer, animals_in
from cages.importing.sheet import LARGEST_FILE, SheetRow, rows_of
from cages.models.cycle import runs_of
from cages.models.fields import fields_for
from cages.views.access import CageAccessMixin
from cages.views.history.exporting import file_response
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
        return super().get_context_data(columns=fields_for(self.access), **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "packed" in request.POST:
            return self.answer_or_confirm(request.POST["packed"])
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        # One byte more than allowed shows that it is too large.
        data = form.cleaned_data["file"].read(LARGEST_FILE + 1)
        try:
            rows = rows_of(data)
            return self.show_plan(rows, packed(rows))
        except UnreadableSheetError as error:
            form.add_error("file", str(error))
            return self.form_invalid(form)

    @property
    def answers(self) -> frozenset[str]:
        """What the person has said about the file so far."""
        return frozenset(self.request.POST.getlist("answer")) & set(Answer)

    def answer_or_confirm(self, text: str) -> HttpResponse:
        try:
            rows = unpacked(text)
        except UnreadableSheetError as error:
            messages.error(self.request, str(error))
            return self.form_invalid(self.form_class())
        # A question's buttons send no fingerprint.
        if "fingerprint" in self.request.POST:
            return self.confirm(rows, text, self.request.POST["fingerprint"])
        return self.show_plan(rows, text)

    def confirm(self, rows: list[SheetRow], text: str, fingerprint: str) -> HttpResponse:
        try:
            plan = carry_out(rows, fingerprint, self.access.person, self.now, self.answers)
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
        plan = plan_of(rows, self.access.person, answers=self.answers)
        kinds = {kind: getattr(plan, kind) for kind in ("refused", "changed", "new")}
        context = self.get_context_data(
            plan=plan,
            packed=text,
            answers=sorted(self.answers),
            animals=animals_in(rows),
            shown={kind: planned[:ROWS_SHOWN] for kind, planned in kinds.items()},
            rest={kind: max(len(planned) - ROWS_SHOWN, 0) for kind, planned in kinds.items()},
            unchanged=runs_of(row.number for row in plan.unchanged)[:ROWS_SHOWN],
            import_count=len(plan.new) + len(plan.changed),
        )
        return self.response_class(self.request, "cages/import_plan.html", context)


class ImportTemplateView(CageAccessMixin):
    """A file with only the column names, to fill in. format: "excel" or "csv"."""

    http_method_names = ["get", "head", "options"]
    format = "excel"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return file_response(template(self.access, self.format), "cages", self.format)
