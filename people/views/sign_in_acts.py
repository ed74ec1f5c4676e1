"""The log of sign-in acts: a person's own, and everybody's for administrators."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View

from people.access import Permission, person_of
from people.locks import account_of
from people.models.sign_in import KEPT, NAME_LENGTH, Act, SignInAct, SignInActQuerySet
from people.names import key_of
from people.spreadsheets import guarded
from people.views.permitted import PermittedMixin

OWN_SHOWN = 50
ALL_SHOWN = 200
EXPORTED = 10_000
COLUMNS = ("at", "name", "account", "act", "address", "browser")


class OwnActsView(TemplateView):
    """The newest acts of the person's own account."""

    template_name = "people/acts.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        acts = person_of(self.request).sign_in_acts.order_by("-at", "-pk")[:OWN_SHOWN]
        return super().get_context_data(acts=acts, shown=OWN_SHOWN, **kwargs)


class AllActsView(PermittedMixin, TemplateView):
    """The newest acts of all accounts, or of those that a name or an act choose."""

    permission = Permission.ACCOUNTS
    template_name = "people/all_acts.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        acts = _chosen(self.request).select_related("person")[:ALL_SHOWN]
        return super().get_context_data(
            acts=acts,
            shown=ALL_SHOWN,
            days=KEPT.days,
            kinds=Act.choices,
            name=self.request.GET.get("name", ""),
            act=self.request.GET.get("act", ""),
            exported=EXPORTED,
            **kwargs,
        )


class ActsExportView(PermittedMixin, View):
    """The acts that the page would show, as CSV; EXPORTED rows at most, the newest first."""

    permission = Permission.ACCOUNTS

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        acts = _chosen(request).select_related("person")[:EXPORTED]
        response = StreamingHttpResponse(_lines(acts), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="sign-in-acts.csv"'
        return response


class EndLockView(PermittedMixin, View):
    """End the lock of an account. `name`: its name, or a name that somebody typed."""

    permission = Permission.ACCOUNTS
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("name", "").strip()[:NAME_LENGTH]
        if name:
            SignInAct.objects.note(Act.LOCK_ENDED, request, name=name, person=account_of(name))
            messages.success(request, _("%(name)s may sign in again.") % {"name": name})
        return redirect("all-sign-in-acts")


def _chosen(request: HttpRequest) -> SignInActQuerySet:
    acts = SignInAct.objects.order_by("-at", "-pk")
    if name := request.GET.get("name", "").replace("\x00", "").strip()[:NAME_LENGTH]:
        acts = acts.of(key_of(name), account_of(name))
    if (act := request.GET.get("act", "")) in Act.values:
        acts = acts.filter(act=act)
    return acts


class _Echo:
    def write(self, line: str) -> str:
        return line


def _lines(acts: SignInActQuerySet) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for act in acts.iterator():
        account = act.person.username if act.person else ""
        cells = (act.name, account, act.act, act.address or "", act.user_agent)
        at = timezone.localtime(act.at).isoformat(timespec="seconds")
        yield writer.writerow([at, *map(guarded, cells)])
