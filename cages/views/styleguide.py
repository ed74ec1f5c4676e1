"""The living style page: every part of the pages in every state, for whoever changes one."""

from datetime import timedelta

from django.views.generic import TemplateView

from cages.models import Condition, Health
from cages.views.access import StaffOnlyMixin

COLOURS = [
    *("page", "surface", "ink", "quiet", "line", "hover"),
    *("accent", "on-accent", "perfect", "good-soft", "ok", "bad", "bad-soft"),
    *("unseen", "late", "late-soft"),
]
AGES = [timedelta(seconds=20), timedelta(minutes=4), timedelta(minutes=34), timedelta(hours=26)]


class StyleGuideView(StaffOnlyMixin, TemplateView):
    template_name = "styleguide.html"

    def get_context_data(self, **kwargs):
        return super().get_context_data(
            colours=COLOURS,
            conditions=list(Condition),
            healths=list(Health),
            ages=AGES,
            **kwargs,
        )
