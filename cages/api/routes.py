"""What can be asked for. All of it is GET, and changes nothing."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from ninja import NinjaAPI, Query
from ninja.errors import HttpError, ValidationError
from pydantic import BaseModel

from cages.api import problems, series
from cages.api.paging import decode, page
from cages.api.parameters import CagesQuery, SeriesQuery, StatesQuery
from cages.api.schemas import (
    CageItem,
    CagePage,
    HourItem,
    HourPage,
    Problem,
    ReadingItem,
    ReadingPage,
    RequestItem,
    RequestPage,
    StateItem,
    StatePage,
)
from cages.api.tokens import (
    ROWS_OF_A_UNIT,
    UNITS,
    TokenAuth,
    TokenRequest,
    TokenThrottle,
    signed_in,
)
from cages.clock import now_of
from cages.models import Cage, Poll, PollHourly
from cages.models.cage import CageQuerySet
from cages.slots import FUTURE_TOLERANCE
from neurocage.ids import LARGEST_ID
from people.access import Access
from people.models import ApiToken, Scope

token_auth = TokenAuth()
OF_CAGES, OF_MINUTES = [TokenAuth(Scope.CAGES)], [TokenAuth(Scope.MINUTES)]
api = NinjaAPI(
    title="Neurocage",
    version="1",
    description=(
        "Read-only access to everything measured by Neurocage. All times are UTC. "
        f"A token has {UNITS} units, which come back evenly within a minute; a request costs one "
        f"for each {ROWS_OF_A_UNIT} rows of its limit, or a part of them. The scope of a token "
        "decides which addresses it opens; the others answer 403."
    ),
    urls_namespace="api",
    openapi_url=None,
    docs_url=None,
    auth=[token_auth],
    throttle=[TokenThrottle()],
)
api.add_exception_handler(Http404, problems.not_found)
api.add_exception_handler(HttpError, problems.refused)
api.add_exception_handler(ValidationError, problems.not_valid)
api.add_exception_handler(SuspiciousOperation, problems.suspicious)
PROBLEMS = dict.fromkeys((401, 403, 422, 429, 503), Problem)
PROBLEMS_OF_CAGES = {**PROBLEMS, 404: Problem}
Answer = dict[str, Any]


def access_of(request: TokenRequest) -> Access:
    """What the token's person may see."""
    auth = request.auth
    return Access(auth.person if isinstance(auth, ApiToken) else auth)


def visible_cages(request: TokenRequest) -> CageQuerySet:
    """The cages that the token's person may see, archived ones too."""
    return access_of(request).sees(Cage.objects.all())


def whole_cages(request: TokenRequest) -> CageQuerySet:
    """The visible cages with all that a CageItem tells."""
    today = timezone.localtime(now_of(request)).date()
    return visible_cages(request).select_related("owner", "room", "rack").with_animals(today)


def ids_of_visible(request: TokenRequest, wanted: Iterable[int]) -> list[int]:
    """The ids, each once and in order. Raises Http404 for a cage that the person may not see."""
    ids = sorted(set(wanted))
    possible = [cage_id for cage_id in ids if abs(cage_id) <= LARGEST_ID]
    found = set(visible_cages(request).filter(pk__in=possible).values_list("pk", flat=True))
    for cage_id in ids:
        if cage_id not in found:
            raise no_such(cage_id)
    return ids


def no_such(cage_id: int) -> Http404:
    return Http404(f"cage: there is no cage {cage_id} that you may see.")


def cages_after(cages: CageQuerySet, query: CagesQuery | StatesQuery) -> list[Cage]:
    """The first cages after the cursor, by id: one more than the limit where there are more."""
    if key := decode(query.cursor, [int]):
        cages = cages.filter(pk__gt=key[0])
    return list(cages.order_by("pk")[: query.limit + 1])


def in_order(
    request: TokenRequest,
    query: SeriesQuery,
    rows: QuerySet[Any],
    time: str,
    item: Callable[[Any], BaseModel],
) -> Answer:
    """A page of the rows of visible cages, by cage and by the field named `time`.

    Without those ahead of now, which a clock recorded that was wrong.
    """
    query.to = min(query.to, now_of(request) + FUTURE_TOLERANCE)
    key = decode(query.cursor, (int, datetime))
    found = series.after(key, rows, time, ids_of_visible(request, query.cage), query)
    return page(request, found, query.limit, attrgetter("cage_id", time), item)


@api.get(
    "/cages",
    response={200: CagePage, **PROBLEMS},
    auth=OF_CAGES,
    operation_id="cages",
    url_name="cages",
)
def list_cages(request: TokenRequest, query: Query[CagesQuery]) -> Answer:
    """Your cages, by id."""
    cages = whole_cages(request)
    cages = cages.archived() if query.archived else cages.active()
    return page(request, cages_after(cages, query), query.limit, lambda c: (c.pk,), CageItem.of)


@api.get(
    "/cages/{cage_id}",
    response={200: CageItem, **PROBLEMS_OF_CAGES},
    auth=OF_CAGES,
    operation_id="cage",
    url_name="cage",
)
def one_cage(request: TokenRequest, cage_id: int) -> CageItem:
    """One of your cages, active or archived."""
    cages = whole_cages(request)
    cage = cages.filter(pk=cage_id).first() if abs(cage_id) <= LARGEST_ID else None
    if cage is None:
        raise no_such(cage_id)
    return CageItem.of(cage)


@api.get(
    "/states",
    response={200: StatePage, **PROBLEMS},
    auth=OF_CAGES,
    operation_id="states",
    url_name="states",
)
def list_states(request: TokenRequest, query: Query[StatesQuery]) -> Answer:
    """How each of your active cages is now, by id."""
    cages = visible_cages(request).active().select_related("state").defer("notes")
    item = partial(StateItem.of, now=now_of(request))
    return page(request, cages_after(cages, query), query.limit, lambda c: (c.pk,), item)


@api.get(
    "/readings",
    response={200: ReadingPage, **PROBLEMS_OF_CAGES},
    auth=OF_MINUTES,
    operation_id="readings",
    url_name="readings",
)
def list_readings(request: TokenRequest, query: Query[SeriesQuery]) -> Answer:
    """The known minutes of cages, by cage and time."""
    return in_order(request, query, Poll.objects.answered(), "slot", ReadingItem.of)


@api.get(
    "/requests",
    response={200: RequestPage, **PROBLEMS_OF_CAGES},
    auth=OF_MINUTES,
    operation_id="requests",
    url_name="requests",
)
def list_requests(request: TokenRequest, query: Query[SeriesQuery]) -> Answer:
    """The polls of cages and what came of each, by cage and time."""
    return in_order(request, query, Poll.objects.all(), "slot", RequestItem.of)


@api.get(
    "/hourly",
    response={200: HourPage, **PROBLEMS_OF_CAGES},
    auth=OF_MINUTES,
    operation_id="hourly",
    url_name="hourly",
)
def list_hours(request: TokenRequest, query: Query[SeriesQuery]) -> Answer:
    """Counts of the UTC hours that begin within the time asked for, by cage and time."""
    return in_order(request, query, PollHourly.objects.all(), "bucket", HourItem.of)


@api.get("/openapi.json", auth=[token_auth, signed_in], include_in_schema=False, url_name="openapi")
def openapi(request: TokenRequest) -> dict[str, Any]:
    """This document. A person who is signed in may read it without a token."""
    return api.get_openapi_schema()
