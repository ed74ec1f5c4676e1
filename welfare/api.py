"""Concerns for programs: GET /api/v1/concerns. Everything else of the API is in cages.api."""

from datetime import datetime
from typing import Any, Literal, Self

from django.db.models import Prefetch, Q
from django.utils.translation import gettext_lazy
from ninja import Query
from pydantic import BaseModel, Field, field_validator

from cages.api.paging import decode, page
from cages.api.parameters import Cursor, Moment
from cages.api.routes import OF_CAGES, PROBLEMS, api
from cages.api.schemas import PageOf
from cages.api.tokens import TokenRequest
from cages.views.site.api_examples import OFFERS
from people.access import Access
from people.models import ApiToken
from welfare.models import Act, Concern, Ending, Finding, Kind, TrailEntry

KINDS = ", ".join(Kind.values)
OFFERS["concerns"] = gettext_lazy("Concerns, what people did with them, and what was found.")


class ConcernsQuery(BaseModel):
    """Which concerns: those that were raised within a window."""

    from_: Moment | None = Field(
        None, alias="from", description="Raised from here on. Without it: from the first one on."
    )
    to: Moment | None = Field(None, description="Raised before. Without it: up to now.")
    state: Literal["open", "closed", "all"] = "all"
    limit: int = Field(200, ge=1, le=1000, description="Largest number of concerns on a page.")
    cursor: Cursor = None

    @field_validator("to")
    @classmethod
    def is_after_from(cls, to: datetime | None, info: Any) -> datetime | None:
        start = info.data.get("from_")
        if start is not None and to is not None and to <= start:
            raise ValueError("must be after from")
        return to


class FindingItem(BaseModel):
    """What a person found, and when."""

    at: datetime
    finding: str = Field(description=f"One of {', '.join(Finding.values)}.")
    by: str
    text: str


class ConcernItem(BaseModel):
    """A concern. What never happened is null."""

    id: int
    kind: str = Field(description=f"One of {KINDS}.")
    subject: str = Field(description="The cage, place or part of Neurocage, such as cage:12.")
    cage_id: int | None
    rack_id: int | None
    room_id: int | None
    is_drill: bool
    raised_slot: datetime
    raised_at: datetime
    since: datetime
    is_since_known: bool = Field(description="False: at least since then.")
    held_since: datetime | None = Field(description="The cage is unseen since then.")
    over_slot: datetime | None
    acknowledged_at: datetime | None
    acknowledged_until: datetime | None
    seen_at: datetime | None = Field(description="When it was first acknowledged or found.")
    recheck_at: datetime | None
    closed_at: datetime | None
    ending: str | None = Field(description=f"One of {', '.join(Ending.values)}.")
    facts: dict[str, Any] = Field(description="Figures at the raising.")
    findings: list[FindingItem] = Field(description="Oldest first. The last one counts.")

    @classmethod
    def of(cls, concern: Concern) -> Self:
        fields = {name: getattr(concern, name, None) for name in cls.model_fields}
        found = [
            FindingItem(at=entry.at, finding=entry.finding, by=entry.by, text=entry.text)
            for entry in concern.trail.all()
        ]
        return cls.model_validate({**fields, "ending": concern.ending or None, "findings": found})


class ConcernPage(PageOf):
    items: list[ConcernItem]


@api.get(
    "/concerns",
    response={200: ConcernPage, **PROBLEMS},
    auth=OF_CAGES,
    operation_id="concerns",
    url_name="concerns",
)
def list_concerns(request: TokenRequest, query: Query[ConcernsQuery]) -> dict[str, Any]:
    """The concerns that you may see, with their findings, by id."""
    auth = request.auth
    access = Access(auth.person if isinstance(auth, ApiToken) else auth)
    concerns = Concern.objects.seen_by(access)
    if query.from_:
        concerns = concerns.filter(raised_slot__gte=query.from_)
    if query.to:
        concerns = concerns.filter(raised_slot__lt=query.to)
    if query.state != "all":
        concerns = concerns.filter(Q(closed_at__isnull=query.state == "open"))
    if key := decode(query.cursor, [int]):
        concerns = concerns.filter(pk__gt=key[0])
    findings = Prefetch("trail", TrailEntry.objects.filter(act=Act.FOUND))
    found = list(concerns.prefetch_related(findings).order_by("pk")[: query.limit + 1])
    return page(request, found, query.limit, lambda concern: (concern.pk,), ConcernItem.of)
