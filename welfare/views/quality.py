"""How good the rules are."""

from datetime import timedelta
from typing import Any

from django.views.generic import TemplateView

from welfare import quality
from welfare.views.access import ConcernAccessMixin
from welfare.views.desk import days_of


class QualityView(ConcernAccessMixin, TemplateView):
    """The figures of the concerns that the person may see, over a window up to now."""

    template_name = "welfare/quality.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        days = days_of(self.request)
        start = self.now - timedelta(days=days)
        stale = list(quality.stale_in(self.concerns, self.now)[: quality.STALE_SHOWN + 1])
        return super().get_context_data(
            days=days,
            windows=quality.WINDOW_DAYS,
            quality=quality.quality_of(self.concerns, start, self.now),
            stale=stale[: quality.STALE_SHOWN],
            is_stale_cut=len(stale) > quality.STALE_SHOWN,
            stale_hours=int(quality.STALE_AFTER.total_seconds() // 3600),
            span_minutes=int(quality.SPAN.total_seconds() // 60),
            most_in_span=quality.MOST_IN_SPAN,
            most_a_day=quality.MOST_A_DAY,
            flood_from=quality.FLOOD_FROM,
            most_flood_percent=quality.MOST_FLOOD_PERCENT,
            chatters_from=quality.CHATTERS_FROM,
            chatters_minutes=int(quality.CHATTERS_WITHIN.total_seconds() // 60),
            read_at_most=quality.READ_AT_MOST,
            trouble_count=0,
            **kwargs,
        )
