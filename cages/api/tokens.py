"""Authentication of programs, and the limit on their requests.

Each token has a bucket of UNITS (cages.rate_limit), over all processes, which come back evenly
within a minute. A request costs one unit for each ROWS_OF_A_UNIT rows that its `limit` asks for, or
a part of them.
"""

import math
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from ninja.errors import AuthenticationError, HttpError
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle
from pydantic import TypeAdapter, ValidationError

from cages import rate_limit
from cages.api.parameters import LARGEST_PAGE
from cages.api.problems import OVER_BUDGET, TOO_MANY, TOO_MANY_WRONG, OverLimit
from cages.clock import now_of
from neurocage.limits import API_REQUESTS
from people.addresses import address_of
from people.models import ApiToken, Scope, User

UNITS = 120
ROWS_OF_A_UNIT = 1000
# A bucket for each address. They cannot be guessed, so this only spares the server. A right token
# from the same address still opens, so that nobody can shut out the others behind a proxy.
WRONG_TOKENS = 60
WHOLE_NUMBER = TypeAdapter(int)


class TokenAuth(HttpBearer):
    """A token in the header Authorization. `request.auth` becomes the ApiToken.

    scope: the token has to open it; ALL, unless an address says otherwise.
    `request.place` becomes a Place, which cages.api.urls releases.
    """

    def __init__(self, scope: Scope = Scope.ALL) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        now = now_of(request)
        found = ApiToken.objects.of_secret(token, now)
        if found is None:
            wrong = f"wrong-tokens:{address_of(request)}"
            if refusal := rate_limit.take(wrong, WRONG_TOKENS, now):
                raise OverLimit(TOO_MANY_WRONG, refusal.seconds)
            raise AuthenticationError(
                message="This token is unknown, expired or revoked, or its person may no longer "
                "sign in."
            )
        if not found.opens(self.scope):
            spend(found, 1, now)
            raise HttpError(403, f"The scope of this token, {found.scope}, does not open this.")
        request.place = API_REQUESTS.take(found.person_id)  # type: ignore[attr-defined]
        if request.place is None:  # type: ignore[attr-defined]
            raise OverLimit(TOO_MANY, 1)
        found.note_use(now)
        return found


def spend(token: ApiToken, units: int, now: datetime) -> None:
    """Take the units from the token's bucket. Raises OverLimit where too few are left."""
    if refusal := rate_limit.take(f"api:{token.digest}", UNITS, now, units):
        told = {"left": refusal.left, "most": UNITS, "units": units, "rows": ROWS_OF_A_UNIT}
        raise OverLimit(OVER_BUDGET % told, refusal.seconds)


class TokenRequest(HttpRequest):
    """A request that `TokenAuth` or `signed_in` let through; only for type checkers."""

    auth: ApiToken | User


def signed_in(request: HttpRequest) -> User | None:
    """The person who is signed in, for what a browser may read without a token."""
    return None if isinstance(request.user, AnonymousUser) else request.user


def units_of(request: HttpRequest) -> int:
    """What a request costs. Nothing has checked its parameters yet."""
    try:
        # Pydantic reads the parameter too, and takes 10000.0 and 10_000 as well.
        rows = WHOLE_NUMBER.validate_python(request.GET.get("limit", "0"))
    except ValidationError:
        rows = 0
    return max(math.ceil(min(rows, LARGEST_PAGE) / ROWS_OF_A_UNIT), 1)


class TokenThrottle(BaseThrottle):
    """Raises OverLimit for a token that has too few units left."""

    def allow_request(self, request: HttpRequest) -> bool:
        token = getattr(request, "auth", None)
        if isinstance(token, ApiToken):
            spend(token, units_of(request), now_of(request))
        return True
