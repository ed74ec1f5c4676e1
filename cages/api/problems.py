"""What is wrong, always as {"detail": a sentence}. The status codes are HTTP's own meaning."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse

ADDRESS = "/api/v1/"
AUTHENTICATE = "Send a token as 'Authorization: Bearer nc_...'. Create one on the page /tokens/."
# Unexpected errors: 503 while the database is away.
SERVER_PROBLEMS = {
    500: "Internal error. It is in the log.",
    503: "The database does not answer. Try again later.",
}
UNREADABLE = "This request cannot be read, or its host name is not one of this server."
TOO_MANY = "Too many requests at the same time. Wait until the others are answered."


def problem(status: int, detail: str, **headers: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status, headers=headers)


def not_found(request: HttpRequest, error: object) -> JsonResponse:
    # Ours say something; Django's and ninja's name modules and addresses of their own.
    return problem(404, str(error) or f"Nothing is at {request.path}.")


def refused(request: HttpRequest, error: Any) -> JsonResponse:
    """The answer to an HttpError of ninja: 401 of the tokens, 422 of ours, 429 of the throttle."""
    if error.status_code == 401:
        asked = request.headers.get("Authorization")
        detail = error.message if asked and error.message != "Unauthorized" else AUTHENTICATE
        return problem(401, detail, **{"WWW-Authenticate": "Bearer"})
    # For the limit of each minute, ninja itself says how long to wait.
    headers = {"Retry-After": "1"} if error.message == TOO_MANY else {}
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
