"""Authentication of programs, and the limit on their requests."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import AuthenticationError, HttpError
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle

from cages import rate_limit
from cages.api.problems import TOO_MANY
from cages.clock import now_of
from neurocage.limits import API_REQUESTS
from people.models import ApiToken, User

REQUESTS_A_MINUTE = 120


class TokenAuth(HttpBearer):
    """A token in the header Authorization. `request.auth` becomes the ApiToken.

    `request.place` becomes a Place, which cages.api.urls releases.
    """

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        found = ApiToken.objects.of_secret(token)
        if found is None:
            raise AuthenticationError(
                message="This token is unknown or revoked, or its person may no longer sign in."
            )
        request.place = API_REQUESTS.take(found.person_id)  # type: ignore[attr-defined]
        if request.place is None:  # type: ignore[attr-defined]
            raise HttpError(429, TOO_MANY)
        found.note_use(now_of(request))
        return found


class TokenRequest(HttpRequest):
    """A request that `TokenAuth` or `signed_in` let through; only for type checkers."""

    auth: ApiToken | User


def signed_in(request: HttpRequest) -> User | None:
    """The person who is signed in, for what a browser may read without a token."""
    return None if isinstance(request.user, AnonymousUser) else request.user


class TokenThrottle(BaseThrottle):
    """REQUESTS_A_MINUTE for each token in each minute of the clock, over all processes."""

    def allow_request(self, request: HttpRequest) -> bool:
        token = getattr(request, "auth", None)
        if not isinstance(token, ApiToken):
            return True
        return rate_limit.is_within(f"api:{token.digest}", REQUESTS_A_MINUTE, now_of(request))

    def wait(self) -> int:
        return rate_limit.seconds_to_wait(timezone.now())
