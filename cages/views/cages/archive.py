"""Archive a cage (reversible), restore it, or purge it (final)."""

import logging
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import DetailView, FormView
from django.views.generic.edit import FormMixin
from kombu.exceptions import OperationalError as QueueAway

from cages.forms.cage import PurgeForm
from cages.models import Cage, Poll
from cages.models.cage import CageQuerySet
from cages.polling.tasks import purge_cage
from cages.views.access import CageAccessMixin, CageChangeMixin
from people.access import Permission
from people.acting import because
from people.forms.reason import ReasonForm
from people.views.permitted import PermittedMixin

logger = logging.getLogger(__name__)


def _name(cage: Cage) -> str:
    return _("Cage %(id)s · %(label)s") % {"id": cage.pk, "label": cage.label}


class ArchiveView(CageChangeMixin, FormMixin, DetailView):
    template_name = "cages/archive.html"
    form_class = ReasonForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # A second click on the button leads here too.
        cage = self.get_object()
        return redirect(cage) if cage.is_archived else super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = cage = self.get_object()
        if cage.is_archived:
            return redirect(cage)
        form = self.get_form()
        if not form.is_valid():
            return self.form_invalid(form)
        with because(form.cleaned_data["reason"]):
            cage.archive(self.now, self.access.person)
        messages.success(request, _("%s is archived. All its data stays.") % _name(cage))
        return redirect("cage-list")


class RestoreView(CageChangeMixin, DetailView):
    template_name = "cages/restore.html"

    def get_queryset(self) -> CageQuerySet:
        return super().get_queryset().filter(purge_ordered_at=None)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        cage = self.get_object()
        return super().get(request, *args, **kwargs) if cage.is_archived else redirect(cage)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(conflicts=self.object.conflicts(), **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        cage = self.get_object()
        try:
            with transaction.atomic():
                if not cage.restore(self.now, self.access.person):
                    raise Http404("Its purge was ordered.")
        except IntegrityError:
            # The page says which other cage has the label or the bay.
            return redirect("cage-restore", cage.pk)
        messages.success(request, _("%s is restored.") % _name(cage))
        return redirect(cage)


class PurgeView(PermittedMixin, CageAccessMixin, FormView):
    """Order the deletion of an archived cage and of all its data."""

    template_name = "cages/purge.html"
    permission = Permission.PURGE
    form_class = PurgeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Before the permission is checked, so that a cage the person may not see is not found.
        self.cage = self.checked(get_object_or_404(self.get_queryset(), pk=kwargs["pk"]))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        if not self.cage.is_archived:
            raise Http404("Only an archived cage can be purged.")
        return {**super().get_form_kwargs(), "cage": self.cage}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            cage=self.cage,
            readings=Poll.objects.answered().filter(cage=self.cage).count(),
            requests=Poll.objects.filter(cage=self.cage).count(),
            **kwargs,
        )

    def form_valid(self, form: PurgeForm) -> HttpResponse:
        cage = self.cage
        with because(form.cleaned_data["reason"]):
            if not cage.order_purge(self.now):
                raise Http404("Somebody restored this cage in this moment.")
        logger.warning("%s ordered the purge of cage %d", self.request.user, cage.pk)
        try:
            purge_cage.delay(cage.pk)
        except QueueAway:
            text = _(
                "%s is marked for purging, but Redis does not answer. "
                "Start the purge again when it does."
            )
            messages.error(self.request, text % _name(cage))
        else:
            text = _("%s is being purged in the background.")
            messages.success(self.request, text % _name(cage))
        return redirect("cage-archived")
