"""Archive (reversible), restore, and purge (final). Each has a page that says what it does."""

import logging
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import DELETION, LogEntry
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import DetailView, FormView
from kombu.exceptions import OperationalError as QueueAway

from cages.forms.cage import PurgeForm
from cages.models import Poll
from cages.polling.tasks import purge_cage
from cages.views.access import CageAccessMixin, CageChangeMixin
from people.access import Permission, person_of
from people.views.permitted import PermittedMixin

logger = logging.getLogger(__name__)


def _name(cage):
    return _("Cage %(id)s · %(label)s") % {"id": cage.pk, "label": cage.label}


class ArchiveView(CageChangeMixin, DetailView):
    template_name = "cages/archive.html"

    def get(self, request, *args, **kwargs):
        # Also where a second click on the button leads to.
        cage = self.get_object()
        return redirect(cage) if cage.is_archived else super().get(request, *args, **kwargs)

    def post(self, request, *args, **kwargs):
        cage = self.get_object()
        cage.archive(self.now, request.user)
        messages.success(request, _("%s is archived. All its data stays.") % _name(cage))
        return redirect("cage-list")


class RestoreView(CageChangeMixin, DetailView):
    template_name = "cages/restore.html"

    def get_queryset(self):
        return super().get_queryset().filter(purge_ordered_at=None)

    def get(self, request, *args, **kwargs):
        cage = self.get_object()
        return super().get(request, *args, **kwargs) if cage.is_archived else redirect(cage)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(conflicts=self.object.conflicts(), **kwargs)

    def post(self, request, *args, **kwargs):
        cage = self.get_object()
        try:
            with transaction.atomic():
                if not cage.restore(self.now, request.user):
                    raise Http404("Its purge was ordered.")
        except IntegrityError:
            # The page says what is in the way.
            return redirect("cage-restore", cage.pk)
        messages.success(request, _("%s is restored.") % _name(cage))
        return redirect(cage)


class PurgeView(PermittedMixin, CageAccessMixin, FormView):
    """Order the deletion of an archived cage with all that was measured of it."""

    template_name = "cages/purge.html"
    permission = Permission.PURGE
    form_class = PurgeForm

    def dispatch(self, request, *args, **kwargs):
        # Before the permission is asked: a cage that the person may not see is not found.
        self.cage = self.checked(get_object_or_404(self.get_queryset(), pk=kwargs["pk"]))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self):
        if not self.cage.is_archived:
            raise Http404("Only an archived cage can be purged.")
        return {**super().get_form_kwargs(), "cage": self.cage}

    def get_context_data(self, **kwargs):
        form = kwargs.get("form") or self.get_form()
        cage = form.cage
        return super().get_context_data(
            **{**kwargs, "form": form},
            cage=cage,
            readings=Poll.objects.answered().filter(cage=cage).count(),
            requests=Poll.objects.filter(cage=cage).count(),
        )

    def form_valid(self, form):
        cage = form.cage
        with transaction.atomic():
            if not cage.order_purge(self.now):
                raise Http404("Somebody restored this cage in this moment.")
            LogEntry.objects.log_actions(
                person_of(self.request).pk, [cage], DELETION, "Purge ordered", single_object=True
            )
        logger.warning("%s ordered the purge of cage %d", self.request.user, cage.pk)
        name = _name(cage)
        try:
            purge_cage.delay(cage.pk)
        except QueueAway:
            messages.error(
                self.request,
                _(
                    "%s is marked for purging, but Redis does not answer. "
                    "Start the purge again when it does."
                )
                % name,
            )
        else:
            messages.success(self.request, _("%s is being purged in the background.") % name)
        return redirect("cage-archived")
