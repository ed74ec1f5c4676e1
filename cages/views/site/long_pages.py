"""Pages that take seconds to make."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.views.generic import View

from cages.views.site import errors
from neurocage.limits import LONG_PAGES
from people.access import person_of

# A second long page of the same person waits this long for the first one.
WAIT_SECONDS = 5


class LongPageMixin(View):
    """A page that may take long. Those of one person are made one after the other."""

    def takes_long(self) -> bool:
        """Whether what was asked for is a long page."""
        return True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.takes_long():
            return super().dispatch(request, *args, **kwargs)
        with LONG_PAGES.taken(person_of(request).pk, WAIT_SECONDS) as is_free:
            if not is_free:
                return errors.busy(request)
            response = super().dispatch(request, *args, **kwargs)
            # Now, and not when the place is free again.
            if isinstance(response, SimpleTemplateResponse):
                response.render()
            return response
