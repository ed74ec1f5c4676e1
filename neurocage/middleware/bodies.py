"""The size of a request's body: small, but for the few pages that take files."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from cages.views.site import errors

KILOBYTE = 1024
# The longest notes of a cage are 5000 characters, up to 12 bytes each in a form.
LARGEST_BODY = 128 * KILOBYTE


class BodySizeMiddleware:
    """Refuses a large body before anything reads it.

    A view that takes files says how large its bodies may be: `largest_body`, in bytes. From people
    who are not signed in it takes small ones only. It stands before the check of CSRF, which reads
    forms.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length <= LARGEST_BODY:
            return None
        allowed = getattr(getattr(view, "view_class", None), "largest_body", LARGEST_BODY)
        if length <= allowed and request.user.is_authenticated:
            return None
        return errors.too_large(request, allowed)
