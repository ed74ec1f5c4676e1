"""Forms are safe to send twice: by a double click, or again after a lost connection."""

import hashlib
import logging
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.base import BaseStorage
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from redis.exceptions import RedisError

from cages.views.site import errors
from neurocage.limits import FORMS, Place

logger = logging.getLogger(__name__)

# Long enough for a browser to send a form again. Whoever goes back to a page of an hour ago and
# presses its button means it.
REMEMBERED_SECONDS = 60
# The second of two equal forms waits this long for the answer to the first.
WAIT_SECONDS = 60
SALT = "neurocage.sent_once"
# Other forms of the same person seldom wait with it.
STRIPES = 16


class SentOnceMiddleware:
    """Answers a form that was sent twice with the answer to the first.

    Each time a page is shown, Django masks its CSRF token anew, so the token tells one form from
    the next. Forms with the same content and the same token are one form. They are carried out one
    after the other, and where the first led on to a page, the second leads there too.

    It is the last one, so that everything else has let the request through. While Redis does not
    answer, both are carried out, and only the constraints of the database protect what is there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        form = _Form(request)
        request.sent_form = form  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
            if form.place and isinstance(response, HttpResponseRedirect):
                form.remember(response)
            return response
        finally:
            if form.place:
                form.place.release()

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method != "POST" or "csrfmiddlewaretoken" not in request.POST or request.FILES:
            return None
        form: _Form = request.sent_form  # type: ignore[attr-defined]
        return form.begin()


class _Form:
    """One form that was sent, from the moment when it may be carried out."""

    place: Place | None = None
    key = ""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def begin(self) -> HttpResponse | None:
        """Wait for equal forms under way. Returns the answer to the first, if there is one."""
        request = self.request
        who = request.user.pk or request.META.get("CSRF_COOKIE", "")
        told = (who, request.get_full_path(), sorted(request.POST.lists()))
        digest = hashlib.sha256(repr(told).encode()).hexdigest()
        stripe = int(digest, 16) % STRIPES
        place = FORMS.take(f"{request.user.pk or 'nobody'}-{stripe}", WAIT_SECONDS)
        if place is None:
            return errors.busy(request)
        self.key = f"form:{digest}"
        answer = self._first_answer()
        if answer is None:
            self.place = place
        else:
            place.release()
        return answer

    def _first_answer(self) -> HttpResponse | None:
        try:
            kept = cache.get(self.key)
            if not isinstance(kept, str):
                return None
            # Signed, because others may be able to write into Redis.
            location, texts = signing.loads(kept, salt=SALT + self.key, max_age=REMEMBERED_SECONDS)
        except (RedisError, signing.BadSignature, ValueError):
            return None
        for level, text in texts:
            messages.add_message(self.request, level, text)
        return HttpResponseRedirect(location)

    def remember(self, response: HttpResponseRedirect) -> None:
        waiting = messages.get_messages(self.request)
        texts = [(message.level, str(message.message)) for message in waiting]
        # Reading them must not count as showing them.
        if isinstance(waiting, BaseStorage):
            waiting.used = False
        kept = signing.dumps((response.url, texts), salt=SALT + self.key)
        try:
            cache.set(self.key, kept, REMEMBERED_SECONDS)
        except RedisError as error:
            logger.warning("A form that was sent is not remembered: %s", error)
