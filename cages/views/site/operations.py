"""The state of Neurocage itself, for people, load balancers and Prometheus."""

from datetime import UTC
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from prometheus_client import CONTENT_TYPE_LATEST

from cages import metrics, storage, verdict
from cages.models import Outcome, PollCycle, RetentionChange, Trouble
from cages.models.cycle import Watch
from cages.models.state import UNSEEN_AFTER
from cages.places.silent import silent_by_rack
from cages.slots import SLOT_LENGTH
from cages.storage import report
from cages.views.site.live import LiveMixin
from neurocage.secrecy import without_secrets
from people.access import Permission
from people.views.permitted import PermittedMixin

CYCLES_SHOWN = 60


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if polling works, else 503 with the reasons."""
    problems = {}
    try:
        watch = PollCycle.objects.watch(timezone.now())
        if watch.trouble:
            problems["polling"] = _in_words(watch)
    except DatabaseError:
        problems["database"] = "does not answer"
    if not verdict.redis_answers():
        problems["redis"] = "does not answer"
    status = 503 if problems else 200
    return JsonResponse({"ready": not problems, "problems": problems}, status=status)


@login_not_required
def prometheus(request: HttpRequest) -> HttpResponse:
    """Metrics of the newest cycles. Nothing about a single cage."""
    return HttpResponse(metrics.render(timezone.now()), content_type=CONTENT_TYPE_LATEST)


class OperationsView(PermittedMixin, LiveMixin, TemplateView):
    """The verdict, the silent sensors, the ledger of the last hour, and the storage."""

    template_name = "cages/ops.html"
    permission = Permission.OPERATIONS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        version = storage.timescaledb_version(connection)
        series = report.series(connection)
        silent_count, silent_racks = silent_by_rack(self.seen.active(), self.now)
        parts = verdict.parts_of(self.now)
        return super().get_context_data(
            parts=parts,
            ill_count=sum(part.state == verdict.State.ILL for part in parts),
            silent_count=silent_count,
            unseen_minutes=UNSEEN_AFTER // SLOT_LENGTH,
            silent_racks=silent_racks,
            cycles=PollCycle.objects.order_by("-slot")[:CYCLES_SHOWN],
            outcomes=list(Outcome),
            storage=f"TimescaleDB {version}" if version else _("plain PostgreSQL"),
            series=series,
            large_plain=any(one.is_large_plain for one in series),
            many_rows=report.MANY_PLAIN_ROWS,
            jobs=report.jobs(connection) if version else [],
            retention=RetentionChange.objects.order_by("at").last(),
            sensor_api_url=without_secrets(settings.SENSOR_API_URL),
            poll_timeout_seconds=settings.POLL_TIMEOUT_SECONDS,
            **kwargs,
        )


def _in_words(watch: Watch) -> str:
    """Why Neurocage does not watch, for monitoring programs: English, times in UTC."""
    if watch.newest is None:
        return "no cycle yet"
    if watch.trouble == Trouble.NOT_STARTED:
        slot = watch.newest.slot.astimezone(UTC)
        return f"no minute has been started since {slot:%Y-%m-%d %H:%M} UTC"
    if watch.last_finished is None:
        return "no cycle has finished yet"
    return f"no cycle has finished for {PollCycle.STALE_AFTER // SLOT_LENGTH} minutes"
