"""The style guide: every part of the pages in every state."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from cages.drawing import charts
from cages.drawing.pins import numbered
from cages.history.buckets import Bucket
from cages.history.light import runs_of
from cages.history.minutes import KNOWN, Minute
from cages.history.window import Window
from cages.models import (
    Condition,
    LightPeriod,
    LightSchedule,
    Mark,
    MarkKind,
    Outcome,
    Rack,
    Rank,
)
from cages.models.mark import BuiltIn
from cages.operations.verdict import Part, State
from cages.places.maps import map_of
from people.access import Permission
from people.views.permitted import PermittedMixin

COLOURS = [
    *("page", "surface", "ink", "quiet", "line", "hover"),
    *("accent", "accent-strong", "on-accent", "perfect", "good-soft", "ok", "bad", "bad-soft"),
    *("unseen", "late", "late-soft"),
]
AGES = [timedelta(seconds=20), timedelta(minutes=4), timedelta(minutes=34), timedelta(hours=26)]
# Eight minutes of each kind, then all kinds in turns.
EVERY_STATE = bytes(code for code in Minute for _minute in range(8)) + bytes(Minute) * 4

# A bay of each kind, above empty ones.
MAP = {("A", 1 + number): rank for number, rank in enumerate(Rank)}

# The hours of the day repeat these.
HOURS = [
    bytes([Minute.PERFECT] * 45 + [Minute.NO_ANSWER] * 15),
    bytes([Minute.PERFECT] * 20 + [Minute.OK] * 27 + [Minute.NO_ANSWER] * 13),
    bytes([Minute.OK] * 15 + [Minute.BAD] * 28 + [Minute.NO_ANSWER] * 17),
    bytes([Minute.NO_ANSWER] * 60),
    bytes([Minute.NOT_WATCHED] * 60),
    bytes(Minute) * 12,
]


def bucket_of(hour: Window, minutes: bytes, latency_ms: int) -> Bucket:
    """An invented hour as a Bucket. All answers have the same response time."""
    bucket = Bucket(hour)
    for code in minutes:
        if code in KNOWN:
            bucket.add_poll(Outcome.ANSWERED, code, latency_ms)
        elif code == Minute.NO_ANSWER:
            bucket.add_poll(Outcome.UNAVAILABLE, None, latency_ms)
    return bucket


SCHEDULE = LightSchedule(lights_on=time(7), lights_off=time(19))
CHANGED = Mark(
    kind=MarkKind(code=BuiltIn.CAGE_CHANGE),
    cage_id=1,
    starts_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    ends_at=datetime(2026, 3, 2, 8, 40, tzinfo=UTC),
    by="anna",
)


class StyleGuideView(PermittedMixin, TemplateView):
    template_name = "cages/styleguide.html"
    permission = Permission.STYLE_GUIDE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        day = Window.whole_day(date(2026, 3, 2))
        hours = [HOURS[number % len(HOURS)] for number in range(24)]
        buckets = [
            bucket_of(hour, minutes, 1500 + 70 * number)
            for number, (hour, minutes) in enumerate(zip(day.hours(), hours, strict=False))
        ]
        return super().get_context_data(
            colours=COLOURS,
            conditions=list(Condition),
            ages=AGES,
            strips=[
                (_("Every state"), EVERY_STATE),
                (_("No answers"), bytes([Minute.NO_ANSWER] * 60)),
                (_("Not watched"), bytes([Minute.NOT_WATCHED] * 60)),
            ],
            day=day,
            runs=runs_of(LightPeriod(schedule=SCHEDULE), day),
            marks=numbered([CHANGED]),
            day_minutes=b"".join(hours),
            buckets=buckets,
            shares_chart=charts.shares(buckets, by_hour=True),
            latency_chart=charts.latencies(buckets, by_hour=True),
            map=map_of(Rack(row_count=2, column_count=len(Rank)), MAP),
            parts=[
                Part("Redis", State.ILL, _("Redis does not answer."), now - AGES[1]),
                Part(_("Polling"), State.WELL, "", now - AGES[3], is_at_least=True),
                Part(_("Sensors"), State.UNKNOWN, ""),
            ],
            **kwargs,
        )
