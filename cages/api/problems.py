"""What is wrong, always as {"detail": a sentence}. The status codes are HTTP's own meaning."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja.errors import HttpError

ADDRESS = "/api/v1/"
AUTHENTICATE = "Send a token as 'Authorization: Bearer nc_...'. Create one on the page /tokens/."
# Unexpected errors: 503 while the database is away.
SERVER_PROBLEMS = {
    500: "Internal error. It is in the log.",
    503: "The database does not answer. Try again later.",
}
UNREADABLE = "This request cannot be read, or its host name is not one of this server."
TOO_MANY_WRONG = "Too many wrong tokens came from this address. Retry-After says how long to wait."
OVER_BUDGET = (
    "This token has %(left)d of its %(most)d units left, and gets %(most)d in a minute. This "
    "request costs %(units)d: one for each %(rows)d rows of its limit."
)
TOO_MANY = "Too many requests at the same time. Wait until the others are answered."


class OverLimit(HttpError):
    """Too many requests; `seconds` until it is worth while to ask again."""

    def __init__(self, words: str, seconds: int) -> None:
        super().__init__(429, words)
        self.seconds = seconds


def problem(status: int, detail: str, **headers: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status, headers=headers)


def not_found(request: HttpRequest, error: object) -> JsonResponse:
    # Ours say something; Django's and ninja's name modules and addresses of their own.
    return problem(404, str(error) or f"Nothing is at {request.path}.")


def refused(request: HttpRequest, error: Any) -> JsonResponse:
    """The answer to an HttpError: 401, 403 and 429 of the tokens, 422 of the parameters."""
    if error.status_code == 401:
        asked = request.headers.get("Authorization")
        detail = error.message if asked and error.message != "Unauthorized" else AUTHENTICATE
        return problem(401, detail, **{"WWW-Authenticate": "Bearer"})
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, OverLimit) else {}
    return problem(error.status_code, error.message, **headers)


def not_valid(request: HttpRequest, error: Any) -> JsonResponse:
    """The answer to ninja's ValidationError: each wrong parameter by its name."""
    return problem(422, " ".join(_sentence(one) for one in error.errors))


def suspicious(request: HttpRequest, error: object) -> JsonResponse:
    return problem(400, UNREADABLE)


def _sentence(error: Mapping[str, Any]) -> str:
    # The list of a parameter's values ends with a number: which of them it is.
    name = [part for part in error["loc"] if isinstance(part, str)][-1]
    if error["type"] == "missing":
        return f"{name}: this parameter is required."
    words = error["msg"].removeprefix("Value error, ")
    return f"{name}: {words[:1].lower()}{words[1:].rstrip('.')}."
