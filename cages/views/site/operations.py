"""The state of Neurocage itself, for people, load balancers and Prometheus."""

from datetime import UTC
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from prometheus_client import CONTENT_TYPE_LATEST

from cages import metrics, storage
from cages.clock import now_of
from cages.models import Outcome, PollCycle, RetentionChange, Trouble
from cages.models.cycle import Watch
from cages.slots import SLOT_LENGTH
from cages.storage import report
from people.access import Permission
from people.views.permitted import PermittedMixin

CYCLES_SHOWN = 60
REDIS_TIMEOUT_SECONDS = 2


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
        if watch.trouble and watch.trouble != Trouble.CLOCK_WRONG:
            problems["polling"] = _in_words(watch)
        if watch.ahead:
            slot = watch.ahead.slot.astimezone(UTC)
            problems["clock"] = f"wrong, or it was: {slot:%Y-%m-%d %H:%M} UTC is recorded already"
    except DatabaseError:
        problems["database"] = "does not answer"
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        ) as client:
            client.ping()
    except redis.RedisError:
        problems["redis"] = "does not answer"
    status = 503 if problems else 200
    return JsonResponse({"ready": not problems, "problems": problems}, status=status)


@login_not_required
def prometheus(request: HttpRequest) -> HttpResponse:
    """Metrics of the newest cycles. Nothing about a single cage."""
    return HttpResponse(metrics.render(timezone.now()), content_type=CONTENT_TYPE_LATEST)


class OperationsView(PermittedMixin, TemplateView):
    """The ledger of the last hour, the storage, and the versions."""

    template_name = "cages/ops.html"
    permission = Permission.OPERATIONS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = now_of(self.request)
        version = storage.timescaledb_version(connection)
        series = report.series(connection)
        return super().get_context_data(
            cycles=PollCycle.objects.until(now).order_by("-slot")[:CYCLES_SHOWN],
            ahead=PollCycle.objects.span_ahead(now),
            outcomes=list(Outcome),
            storage=f"TimescaleDB {version}" if version else _("plain PostgreSQL"),
            series=series,
            large_plain=any(one.is_large_plain for one in series),
            many_rows=report.MANY_PLAIN_ROWS,
            jobs=report.jobs(connection) if version else [],
            retention=RetentionChange.objects.order_by("pk").last(),
            sensor_api_url=settings.SENSOR_API_URL,
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
