"""The addresses under /api/v1/. Nothing here leads a program to the page for signing in."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from cages.api import animals, marks, minutes, problems  # noqa: F401  # they add their addresses
from cages.api.routes import api


def for_programs(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, saying in JSON what it would say in HTML or plain text."""

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            return problems.not_found(request, "")
        except problems.OverLimit as error:
            # ninja asks its throttles where it catches nothing.
            return problems.refused(request, error)
        finally:
            if place := getattr(request, "place", None):
                place.release()
        if response.status_code == 405:
            detail = f"{request.method} is not possible here; this API is read with GET."
            return problems.problem(405, detail, Allow=response["Allow"])
        return response

    return answer


def nothing_here(request: HttpRequest) -> NoReturn:
    raise Http404


app_name = "api"
urlpatterns, _app_name, _namespace = api.urls
for pattern in urlpatterns:
    if pattern.callback:
        pattern.callback = for_programs(pattern.callback)
urlpatterns.append(re_path("", for_programs(nothing_here)))
