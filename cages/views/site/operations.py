"""The state of Neurocage itself, for people, load balancers and Prometheus."""

from datetime import UTC
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import override
from django.views.generic import TemplateView
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError

from cages.models import DayDigest, Outcome, PollCycle, RetentionChange, Trouble
from cages.models.cycle import Watch
from cages.models.state import UNSEEN_AFTER
from cages.operations import (
    database_faults,
    disk,
    metrics,
    outage,
    queues,
    sections,
    verdict,
    versions,
)
from cages.operations.day import day_of_ledger
from cages.places.silent import silent_by_rack
from cages.polling import set_aside
from cages.slots import SLOT_LENGTH
from cages.storage import report
from cages.views.site import metrics_access
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
    """200 if polling works, else 503 with the reasons.

    degraded: what is wrong with the database although minutes are asked and kept.
    """
    problems: dict[str, str] = {}
    degraded: list[str] = []
    now = timezone.now()
    with override("en"):
        try:
            watch = PollCycle.objects.watch(now)
            if watch.trouble and watch.trouble != Trouble.CLOCK_WRONG:
                problems["polling"] = _in_words(watch)
            if watch.ahead:
                at = f"{watch.ahead.slot.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
                problems["clock"] = f"wrong, or it was: {at} is recorded already"
            degraded = [fault.words for fault in database_faults.faults(now)]
        except DatabaseError as error:
            cause = outage.cause_of(error) or outage.Cause.DATABASE_AWAY
            problems["database"] = str(cause.label)
        if found := outage.told():
            problems.setdefault(found.cause.part, str(found.cause.label))
    status = 503 if problems else 200
    told = {"ready": not problems, "problems": problems, "degraded": degraded}
    return JsonResponse(told, status=status)


@login_not_required
def prometheus(request: HttpRequest) -> HttpResponse:
    """Metrics of the newest cycles. Nothing about a single cage."""
    if refused := metrics_access.refusal(request):
        return refused
    return HttpResponse(metrics.render(timezone.now()), content_type=CONTENT_TYPE_LATEST)


class OperationsView(PermittedMixin, LiveMixin, TemplateView):
    """The verdict, the sensors, the ledger by minute, the storage and the versions."""

    template_name = "cages/ops.html"
    permission = Permission.OPERATIONS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        running = versions.versions()
        findings = verdict.Findings(self.now)
        silent_count, silent_racks = silent_by_rack(self.seen.active(), self.now)
        parts = verdict.parts_of(findings)
        jobs = report.jobs(connection) if running.timescaledb else []
        return super().get_context_data(
            parts=parts,
            ill_count=sum(part.state == verdict.State.ILL for part in parts),
            silent_count=silent_count,
            unseen_minutes=UNSEEN_AFTER // SLOT_LENGTH,
            silent_racks=silent_racks,
            day=day_of_ledger(self.now),
            waiting=queues.waiting(),
            cycles=PollCycle.objects.until(self.now).order_by("-slot")[:CYCLES_SHOWN],
            ahead=PollCycle.objects.span_ahead(self.now),
            outcomes=list(Outcome),
            versions=running,
            sections=sections.more(self.now),
            outlook=disk.outlook(findings.series, self.now),
            series=findings.series,
            large_plain=any(one.is_large_plain for one in findings.series),
            many_rows=report.MANY_PLAIN_ROWS,
            jobs=[(job, job.is_overdue(self.now)) for job in jobs],
            faults=findings.faults,
            outage=findings.outage,
            set_aside=_set_aside(),
            digest=DayDigest.objects.order_by("day").last(),
            retention=RetentionChange.objects.order_by("pk").last(),
            sensor_api_url=without_secrets(settings.SENSOR_API_URL),
            poll_timeout_seconds=settings.POLL_TIMEOUT_SECONDS,
            **kwargs,
        )


def _set_aside() -> int | None:
    """How many results could not be written; None while Redis does not say."""
    try:
        return set_aside.count()
    except RedisError:
        return None


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
