"""The channels of the facility: made, tested, switched and removed by administrators."""

from typing import Any

from django.contrib import messages
from django.db.models import Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from cages.views.access import CageAccessMixin
from neurocage.ids import id_from
from people.access import Permission
from people.views.permitted import PermittedMixin
from welfare.forms.channel import ChannelForm
from welfare.models import Channel, Delivery
from welfare.notices.addresses import without_secret


class ChannelsView(PermittedMixin, CageAccessMixin, TemplateView):
    """POST with `act`: "make", "test", "switch" or "remove"; `channel` names which one.

    Nothing is sent in the request: a test is a delivery like any other.
    """

    permission = Permission.CHANNELS
    template_name = "welfare/notices/channels.html"
    form: ChannelForm | None = None

    def post(self, request: HttpRequest) -> HttpResponse:
        act = request.POST.get("act", "")
        if act == "make":
            self.form = ChannelForm(request.POST)
            if not self.form.is_valid():
                return self.render_to_response(self.get_context_data())
            channel = self.form.save(commit=False)
            channel.made_by, channel.made_at = self.access.person, self.now
            channel.save()
            messages.success(request, _("The channel is created. Send a test."))
            return redirect("notice-channels")
        number = id_from(request.POST.get("channel", "")) or 0
        channel = get_object_or_404(Channel, pk=number)
        if act == "test":
            Delivery.objects.create(channel=channel, made_at=self.now, due_at=self.now)
            messages.success(request, _("The test is sent within a minute."))
        elif act == "switch":
            channel.is_on = not channel.is_on
            channel.save()
        elif act == "remove":
            channel.delete()
            messages.success(request, _("The channel is removed."))
        return redirect("notice-channels")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        of_test = Q(deliveries__notice=None)
        channels = Channel.objects.annotate(
            sent_at=Max("deliveries__sent_at"),
            failed_at=Max("deliveries__failed_at", filter=Q(deliveries__sent_at=None)),
            test_waits=Max(
                "deliveries__made_at",
                filter=of_test & Q(deliveries__sent_at=None, deliveries__ended_at=None),
            ),
        )
        rows = [(channel, without_secret(channel.address)) for channel in channels]
        newest = Delivery.objects.failing().select_related("channel", "notice__recipient")
        return super().get_context_data(
            rows=rows,
            failures=newest.order_by("-failed_at")[:20],
            form=self.form or ChannelForm(),
            **kwargs,
        )
