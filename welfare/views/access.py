"""Views of concerns. They show only what the person may see (404 otherwise)."""

from typing import Any

from django.shortcuts import get_object_or_404

from cages.views.access import CageAccessMixin
from cages.views.site.live import LiveMixin
from welfare.models import Concern, TrailEntry
from welfare.models.concern import ConcernQuerySet


class ConcernAccessMixin(CageAccessMixin):
    """`concerns` are those that the person may see, open and closed, drills too."""

    @property
    def concerns(self) -> ConcernQuerySet:
        return Concern.objects.seen_by(self.access)

    def concern_of_url(self) -> Concern:
        """The concern that the URL names. Raises Http404 if the person may not see it."""
        return get_object_or_404(self.concerns.with_places(), pk=self.kwargs["pk"])


class LiveConcernsMixin(LiveMixin, ConcernAccessMixin):
    """A page of concerns that keeps itself up to date: each change of one has a trail entry."""

    def content_version(self) -> Any:
        return (super().content_version(), TrailEntry.objects.newest_number())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # The title tells of concerns here, so no cages are counted for it.
        return super().get_context_data(**{"trouble_count": 0, **kwargs})
