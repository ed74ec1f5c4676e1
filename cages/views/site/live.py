"""Pages that keep themselves up to date: the open page asks for its own address again.

static/js/live.js does the asking, every few seconds. An unchanged page costs one query and a 304.
"""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag
from django.utils.translation import get_language
from django.views.generic import TemplateView

from cages.models import PollCycle
from cages.slots import slot_of
from cages.views.access import CageAccessMixin
from people.preferences import theme_of


class LiveMixin(CageAccessMixin):
    """A page whose content is fetched again while it is open."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.headers.get("HX-Request") == "true":
            etag = self._etag()
            response = get_conditional_response(request, etag=etag)
            response = response or super().get(request, *args, **kwargs)  # type: ignore[misc]
            response["ETag"] = etag
        else:
            response = super().get(request, *args, **kwargs)  # type: ignore[misc]
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response

    def _etag(self) -> str:
        """Changes each minute, because pages show ages, and with each change of the content.

        A changed role in a lab shows with the next minute.
        """
        request = self.request
        told = (
            self.access.version,
            request.get_full_path(),
            get_language(),
            theme_of(request),
            slot_of(self.now),
            self.content_version(),
        )
        return quote_etag(hashlib.sha256(repr(told).encode()).hexdigest()[:32])

    def content_version(self) -> Any:
        """What differs after each change of the content within a minute. One query."""
        return PollCycle.objects.version(self.now)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(is_live=True, **kwargs)
        if "trouble_count" not in context:
            context["trouble_count"] = self.seen.in_trouble(self.now).count()
        return context


class WatchView(TemplateView):
    """Only the line about the cycle, for open pages with forms, whose content must not change."""

    template_name = "cages/watch.html"
