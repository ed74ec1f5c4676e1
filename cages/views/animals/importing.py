"""Import animals from a file: choose it, see what would change, confirm."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import FormView

from cages.importing.animals import COLUMNS, DATES, carry_out, columns_from, plan_of
from cages.importing.carry_out import PlanChangedError
from cages.importing.form import ImportForm
from cages.importing.lines import UnreadableSheetError
from cages.importing.packing import packed, unpacked
from cages.importing.sheet import LARGEST_FILE, SheetRow, rows_of
from cages.views.access import CageAccessMixin
from cages.views.cages.importing import KILOBYTE, ROWS_SHOWN
from cages.views.site.long_pages import LongPageMixin


class AnimalImportView(LongPageMixin, CageAccessMixin, FormView):
    """The server does not keep the file. The preview holds it and sends it back."""

    template_name = "cages/animals/import.html"
    form_class = ImportForm
    largest_body = LARGEST_FILE + 64 * KILOBYTE

    def takes_long(self) -> bool:
        return self.request.method == "POST"

    @property
    def today(self) -> date:
        return timezone.localtime(self.now).date()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.access.may_import:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(columns=list(COLUMNS), **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "packed" not in request.POST:
            return super().post(request, *args, **kwargs)
        text = request.POST["packed"]
        try:
            rows = unpacked(text, COLUMNS)
            plan = carry_out(rows, request.POST.get("fingerprint", ""), self.access, self.today)
        except UnreadableSheetError as error:
            messages.error(request, str(error))
            return self.form_invalid(self.form_class())
        except (PlanChangedError, IntegrityError):
            changed = _("Animals have changed since the preview. Check the new preview.")
            messages.warning(request, changed)
            return self.show_plan(rows, text)
        done = _(
            "Imported: %(new)d new, %(changed)d changed, %(unchanged)d unchanged, "
            "%(refused)d refused."
        )
        messages.success(request, done % {k: len(getattr(plan, k)) for k in plan.__slots__})
        return redirect("animal-import")

    def form_valid(self, form: Any) -> HttpResponse:
        # One byte more than allowed shows that it is too large.
        data = form.cleaned_data["file"].read(LARGEST_FILE + 1)
        try:
            rows = rows_of(data, columns_from, DATES)
            return self.show_plan(rows, packed(rows))
        except UnreadableSheetError as error:
            form.add_error("file", str(error))
            return self.form_invalid(form)

    def show_plan(self, rows: list[SheetRow], text: str) -> HttpResponse:
        plan = plan_of(rows, self.access, self.today)
        lists = ((_("Refused"), plan.refused), (_("Changed"), plan.changed), (_("New"), plan.new))
        context = self.get_context_data(
            plan=plan,
            packed=text,
            lists=[
                (name, found[:ROWS_SHOWN], max(len(found) - ROWS_SHOWN, 0))
                for name, found in lists
                if found
            ],
            import_count=len(plan.new) + len(plan.changed),
        )
        return self.response_class(self.request, "cages/animals/import_plan.html", context)
