"""The files for programs of circadian rhythms, of the cages and days of an export."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.generic import View

from cages.exporting.circadian import FORMATS, Clock
from cages.exporting.circadian.archive import USUAL_BIN, as_archive, zeitgeber_of
from cages.models import Health
from cages.rhythm.series import BIN_MINUTES
from cages.views.history.exporting import ZT, ExportMixin
from neurocage.ids import id_from


class ExportCircadianView(ExportMixin, View):
    """A zip with the files of each cage, on the facility's standard time or zeitgeber time."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if self.span.error:
            return redirect(self.form_address)
        query = request.GET
        name = query.get("program", "")
        name = name if name in FORMATS else "table"
        bin_minutes = id_from(query.get("bin", ""))
        bin_minutes = bin_minutes if bin_minutes in BIN_MINUTES else USUAL_BIN
        asked = query.getlist("health")
        health = [one for one in Health if one.word in asked] or [Health.PERFECT]
        cages = list(self.chosen.order_by("pk").values_list("pk", "label", "created_at"))
        window = self.span.window
        standard = Clock.standard(timezone.get_default_timezone(), window.start)
        is_zt = query.get("clock") == ZT
        self.format = "zip"
        pieces = as_archive(
            cages,
            window,
            zeitgeber_of if is_zt else lambda _cage_id, _window: standard,
            name,
            health,
            bin_minutes,
        )
        return self.sent(pieces, f"neurocage-{name}-{self.span.first}-to-{self.span.last}")
