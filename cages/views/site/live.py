"""Pages that keep themselves up to date: the open page asks for its own address again.

static/js/live.js does the asking, every few seconds. An unchanged page costs one query and a 304.
"""

import hashlib

from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag
from django.utils.translation import get_language
from django.views.generic import TemplateView

from cages.models import Cage, PollCycle
from cages.slots import slot_of
from cages.views.site.preferences import theme_of


class LiveMixin:
    """A page whose content is fetched again and again. Needs `self.now` (CageAccessMixin)."""

    def get(self, request, *args, **kwargs):
        if request.headers.get("HX-Request") == "true":
            etag = self._etag()
            response = get_conditional_response(request, etag=etag)
            response = response or super().get(request, *args, **kwargs)
            response["ETag"] = etag
        else:
            response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response

    def _etag(self):
        """Another one for each minute, as ages are in words; and for whatever changed meanwhile."""
        request = self.request
        told = (
            request.user.pk,
            request.user.is_staff,
            request.get_full_path(),
            get_language(),
            theme_of(request),
            slot_of(self.now),
            PollCycle.objects.version(),
        )
        return quote_etag(hashlib.sha256(repr(told).encode()).hexdigest()[:32])

    def get_context_data(self, **kwargs):
        context = super().get_context_data(is_live=True, **kwargs)
        if "trouble_count" not in context:
            seen = Cage.objects.visible_to(self.request.user)
            context["trouble_count"] = seen.in_trouble(self.now).count()
        return context


class WatchView(TemplateView):
    """The cycle line alone, for open pages whose content must not change under the hands."""

    template_name = "watch.html"
