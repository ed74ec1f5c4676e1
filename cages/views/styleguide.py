"""The living style page: every part of the pages in every state, for whoever changes one."""

from datetime import timedelta

from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from cages.history.minutes import Minute
from cages.models import Condition, Health
from cages.views.access import StaffOnlyMixin

COLOURS = [
    *("page", "surface", "ink", "quiet", "line", "hover"),
    *("accent", "on-accent", "perfect", "good-soft", "ok", "bad", "bad-soft"),
    *("unseen", "late", "late-soft"),
]
AGES = [timedelta(seconds=20), timedelta(minutes=4), timedelta(minutes=34), timedelta(hours=26)]
# Each kind of minute on its own, and then in turns.
EVERY_STATE = bytes(code for code in Minute for _minute in range(8)) + bytes(Minute) * 4


class StyleGuideView(StaffOnlyMixin, TemplateView):
    template_name = "styleguide.html"

    def get_context_data(self, **kwargs):
        return super().get_context_data(
            colours=COLOURS,
            conditions=list(Condition),
            healths=list(Health),
            ages=AGES,
            strips=[
                (_("Every state"), EVERY_STATE),
                (_("No answer at all"), bytes([Minute.NO_ANSWER] * 60)),
                (_("Not watched"), bytes([Minute.NOT_WATCHED] * 60)),
            ],
            **kwargs,
        )
