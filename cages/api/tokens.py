"""Who asks, and how often they may."""

import logging
import math
from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle
from redis.exceptions import RedisError

from cages.models import ApiToken
from cages.slots import SLOT_LENGTH, slot_of

REQUESTS_A_MINUTE = 120

logger = logging.getLogger(__name__)


class TokenAuth(HttpBearer):
    """A person's token in the header Authorization; `request.auth` is the ApiToken then."""

    def authenticate(self, request, token):
        found = ApiToken.objects.of_secret(token)
        if found is None:
            raise AuthenticationError(
                message="This token is unknown or revoked, or its person may not sign in any more."
            )
        found.note_use(timezone.now())
        return found


def signed_in(request):
    """The person who is signed in, for what a browser may read as well."""
    return request.user if request.user.is_authenticated else None


class TokenThrottle(BaseThrottle):
    """So many requests of one token in one minute of the clock, whichever process answers them."""

    def allow_request(self, request):
        if not isinstance(request.auth, ApiToken):
            return True
        minute = slot_of(timezone.now())
        key = f"api:{request.auth.digest}:{minute:%H%M}"
        try:
            # Counted by Redis itself: of two processes that read and then write, one is forgotten.
            cache.add(key, 0, timeout=(2 * SLOT_LENGTH).total_seconds())
            return cache.incr(key) <= REQUESTS_A_MINUTE
        except (RedisError, ValueError) as error:
            # ValueError: the key went between the two. Better too many answers than none.
            logger.warning("Requests to the API are not counted: %s", error)
            return True

    def wait(self):
        """Seconds until the next minute."""
        now = timezone.now()
        return math.ceil((slot_of(now) + SLOT_LENGTH - now) / timedelta(seconds=1))
