"""Who changed what: the page and its file."""

import csv
import io
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.generic import TemplateView, View
from django.views.generic.base import ContextMixin

from neurocage.ids import id_from
from people.access import Permission
from people.forms.changes import ChangesFilter
from people.models import Change
from people.models.change import ChangeQuerySet
from people.noted import lines_of
from people.spreadsheets import guarded
from people.views.permitted import PermittedMixin

LINES_A_PAGE = 50
# The newest ones. For older ones choose a window.
LINES_IN_A_FILE = 10_000
COLUMNS = (
    *("id", "at", "verb", "table", "row", "words", "before", "after", "reason"),
    *("by", "person_id", "address", "through", "request", "role"),
)


class ChangesMixin(ContextMixin, View):
    """What is shown. `self.form` filters it; the URL holds what was chosen."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.form = ChangesFilter(request.GET)

    def changes(self) -> ChangeQuerySet:
        """Those that the page is about, before anything is chosen."""
        return Change.objects.all()

    def chosen(self) -> ChangeQuerySet:
        return self.form.apply(self.changes()).newest_first()


class ChangesPage(ChangesMixin, TemplateView):
    """Newest first. `before` in the URL is where the page before ended."""

    template_name = "people/changes.html"
    file_address = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen, before = self.chosen(), id_from(self.request.GET.get("before", ""))
        if before:
            chosen = chosen.filter(pk__lt=before)
        found = list(chosen[: LINES_A_PAGE + 1])
        query = self.request.GET.copy()
        query.pop("before", None)
        shown = found[:LINES_A_PAGE]
        return super().get_context_data(
            form=self.form,
            lines=lines_of(shown),
            query=query.urlencode(),
            is_later_page=bool(before),
            older=shown[-1].pk if len(found) > LINES_A_PAGE else None,
            lines_in_a_file=LINES_IN_A_FILE,
            **kwargs,
        )


class ChangesFile(ChangesMixin):
    """The chosen changes as CSV, before and after as JSON. At most LINES_IN_A_FILE."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for change in self.chosen()[:LINES_IN_A_FILE]:
            values = {name: getattr(change, name) for name in COLUMNS}
            sides = {side: json.dumps(values[side], ensure_ascii=False) for side in SIDES}
            cells = {**values, **sides, "at": change.at.isoformat()}.values()
            writer.writerow(guarded(cell) if isinstance(cell, str) else cell for cell in cells)
        name = f"neurocage-changes-{timezone.localdate()}.csv"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        }
        return HttpResponse(
            text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers
        )


SIDES = ("before", "after")


class ChangesView(PermittedMixin, ChangesPage):
    """All changes of the facility."""

    permission = Permission.CHANGES


class ChangesFileView(PermittedMixin, ChangesFile):
    permission = Permission.CHANGES
