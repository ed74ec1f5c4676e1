"""Concerns and notices of a window as CSV."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import View

from cages.exporting.files import Pieces
from cages.exporting.sending import Sending
from cages.history.window import midnight_of
from cages.moment_fields import DayField
from cages.views.history.exporting import file_response
from neurocage.limits import EXPORTS
from welfare.exporting import notice_pieces_of, pieces_of
from welfare.notices.sight import notices_seen_by
from welfare.views.access import ConcernAccessMixin
from welfare.views.desk import days_of


class WindowExportView(ConcernAccessMixin, View):
    """A file of what lies in the window: `days` back from now, or the days `from` up to `to`."""

    name = ""
    # Where to lead back.
    page = ""

    def pieces(self, start: datetime, end: datetime) -> Pieces:
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponseBase:
        try:
            start, end, told = self._window()
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect(self.page)
        place = EXPORTS.take(self.access.person.pk)
        if place is None:
            return self.busy()
        sending = Sending(self.pieces(start, end), place)
        return file_response(sending, f"neurocage-{self.name}-{told}", "csv")

    def busy(self) -> HttpResponseBase:
        """Lead back, and say that too many exports are running."""
        messages.warning(self.request, _("Too many exports are running. Try again later."))
        return redirect(self.page)

    def _window(self) -> tuple[datetime, datetime, str]:
        """(start, end, words for the name of the file). Raises ValidationError."""
        first, last = self._day("from"), self._day("to")
        if first is None and last is None:
            days = days_of(self.request)
            today = timezone.localtime(self.now).date()
            return self.now - timedelta(days=days), self.now, f"{days}-days-to-{today}"
        if first is None or last is None or last < first:
            raise ValidationError(_("Give two days: from, and to, which is not before it."))
        zone = ZoneInfo(settings.FACILITY_TIME_ZONE)
        end = midnight_of(last + timedelta(days=1), zone)
        return midnight_of(first, zone), end, f"{first}-to-{last}"

    def _day(self, name: str) -> date | None:
        day: date | None = DayField(required=False).clean(self.request.GET.get(name, ""))
        return day


class ConcernExportView(WindowExportView):
    """The concerns that were raised in the window."""

    name = "concerns"
    page = "concern-closed"

    def pieces(self, start: datetime, end: datetime) -> Pieces:
        return pieces_of(self.concerns.filter(raised_slot__gte=start, raised_slot__lt=end))


class NoticeExportView(WindowExportView):
    """The notices that were made in the window, with their deliveries."""

    name = "notices"
    page = "notice-list"

    def pieces(self, start: datetime, end: datetime) -> Pieces:
        notices = notices_seen_by(self.access)
        return notice_pieces_of(notices.filter(made_at__gte=start, made_at__lt=end))
