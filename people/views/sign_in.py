"""The log of sign-in acts: a person's own, and all of them for administrators."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import ListView

from people.access import Permission, person_of
from people.models import Act, SignInAct, User
from people.names import key_of
from people.views.permitted import PermittedMixin

SHOWN = 50
EXPORTED = 50_000
COLUMNS = ("at", "act", "person_id", "name", "address", "user_agent")
# A spreadsheet runs a text that begins with one of them.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class OwnActsView(ListView):
    """The newest acts of the person's own account."""

    template_name = "people/sign_in_acts.html"
    context_object_name = "acts"

    def get_queryset(self) -> QuerySet[SignInAct]:
        return SignInAct.objects.filter(person=person_of(self.request)).newest_first()[:SHOWN]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(shown=SHOWN, **kwargs)


class AllActsView(PermittedMixin, ListView):
    """The newest acts of all accounts, or of one name."""

    permission = Permission.ADMIN_SITE
    template_name = "people/sign_in_acts.html"
    context_object_name = "acts"

    def get_queryset(self) -> QuerySet[SignInAct]:
        acts = SignInAct.objects.newest_first()
        return (acts.filter(key=key_of(self.name)) if self.name else acts)[:SHOWN]

    @property
    def name(self) -> str:
        return self.request.GET.get("name", "").replace("\x00", "").strip()[: SignInAct.NAME_LENGTH]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(shown=SHOWN, is_of_all=True, name=self.name, **kwargs)


class ActsExportView(PermittedMixin):
    """The newest EXPORTED acts of all accounts as CSV, times in UTC."""

    permission = Permission.ADMIN_SITE

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(
            _csv_lines(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="sign-in-acts.csv"'},
        )


class _Line:
    """What csv.writer writes to: it hands the line back."""

    def write(self, line: str) -> str:
        return line


def _csv_lines() -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    acts = SignInAct.objects.newest_first().values_list(*COLUMNS)[:EXPORTED]
    for at, *others in acts.iterator(chunk_size=2000):
        yield writer.writerow([at.isoformat(), *(_plain(value) for value in others)])


def _plain(value: Any) -> Any:
    is_formula = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if is_formula else value


class LockEndView(PermittedMixin):
    """End the lock of an account. That of an address ends by itself."""

    permission = Permission.ADMIN_SITE
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("name", "").replace("\x00", "")
        person = User.objects.filter(key=key_of(name)).first() if name else None
        if person is None:
            raise Http404("No such account.")
        SignInAct.objects.note(Act.LOCK_ENDED, request, person=person)
        messages.success(request, _("“%s” may sign in again.") % person.get_username())
        return redirect("sign-in-acts-all")
