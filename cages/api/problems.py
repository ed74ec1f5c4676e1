"""What is wrong, always as {"detail": a sentence}. The status codes are HTTP's own meaning."""

from django.http import JsonResponse

ADDRESS = "/api/v1/"
AUTHENTICATE = "Send a token as 'Authorization: Bearer nc_...'. Create one on the page /tokens/."
RETRY_AFTER_SECONDS = "30"


def is_for_api(request):
    return request.path.startswith(ADDRESS)


def problem(status, detail, **headers):
    return JsonResponse({"detail": detail}, status=status, headers=headers)


def server_problem(status):
    """The answer to what failed without a word of ours: 500, or 503 while the database is away."""
    if status == 503:
        detail = "The database does not answer. Try again later."
        return problem(503, detail, **{"Retry-After": RETRY_AFTER_SECONDS})
    return problem(500, "Internal error. It is in the log.")


def not_found(request, error):
    # Ours say something; Django's and ninja's name modules and addresses of their own.
    return problem(404, str(error) or f"Nothing is at {request.path}.")


def refused(request, error):
    """What was raised with a status: 401 of the tokens, 422 of ours, 429 of the throttle."""
    if error.status_code == 401:
        asked = request.headers.get("Authorization")
        detail = error.message if asked and error.message != "Unauthorized" else AUTHENTICATE
        return problem(401, detail, **{"WWW-Authenticate": "Bearer"})
    return problem(error.status_code, error.message)


def not_valid(request, error):
    """Each parameter that is not as it should be, by its name."""
    return problem(422, " ".join(_sentence(one) for one in error.errors))


def suspicious(request, error):
    return problem(400, "This request cannot be read.")


def _sentence(error):
    # The list of a parameter's values ends with a number: which of them it is.
    name = [part for part in error["loc"] if isinstance(part, str)][-1]
    if error["type"] == "missing":
        return f"{name}: this parameter is required."
    words = error["msg"].removeprefix("Value error, ")
    return f"{name}: {words[:1].lower()}{words[1:].rstrip('.')}."
