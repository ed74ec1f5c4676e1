"""Concerns and notices for programs: GET /api/v1/concerns and /api/v1/notices.

Everything else of the API is in cages.api.
"""

from datetime import datetime
from typing import Any, Literal, Self

from django.db.models import Prefetch, Q
from django.utils.translation import gettext_lazy
from ninja import Query
from pydantic import BaseModel, Field

from cages.api.paging import page
from cages.api.parameters import WindowQuery
from cages.api.routes import OF_CAGES, PROBLEMS, access_of, api
from cages.api.schemas import PageOf
from cages.api.tokens import TokenRequest
from cages.views.site.api_examples import OFFERS
from welfare.models import (
    Act,
    Concern,
    Delivery,
    Ending,
    Failure,
    Finding,
    Kind,
    Notice,
    TrailEntry,
    Why,
)
from welfare.notices.sight import notices_seen_by

KINDS = ", ".join(Kind.values)
OFFERS["concerns"] = gettext_lazy("Concerns, what people did with them, and what was found.")
OFFERS["notices"] = gettext_lazy("Who was told of which concerns, and what came of each delivery.")


class ConcernsQuery(WindowQuery):
    """Which concerns: those that were raised within a window."""

    state: Literal["open", "closed", "all"] = "all"


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
    held_since: datetime | None = Field(
        description="The cage is unseen since then: it is not known whether it lasts."
    )
    over_slot: datetime | None = Field(
        description="When it was over, or not watched any more (see ending). "
        "Null: it lasts as far as is known."
    )
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
    concerns = Concern.objects.seen_by(access_of(request))
    if query.state != "all":
        concerns = concerns.filter(Q(closed_at__isnull=query.state == "open"))
    findings = Prefetch("trail", TrailEntry.objects.filter(act=Act.FOUND))
    found = query.within(concerns.prefetch_related(findings), "raised_slot")
    return page(request, found, query.limit, lambda concern: (concern.pk,), ConcernItem.of)


class DeliveryItem(BaseModel):
    """One message on one way, with its tries. What never happened is null."""

    way: str = Field(description="mail, or channel.")
    channel: str | None = Field(description="The name of the channel.")
    due_at: datetime = Field(description="When it is sent, or tried again.")
    tries: int
    sent_at: datetime | None
    failed_at: datetime | None
    failure: str | None = Field(
        description=f"Of the newest try: one of {', '.join(Failure.values)}."
    )
    ended_at: datetime | None = Field(description="Given up, or without a failure not needed.")
    may_be_a_repeat: bool

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        fields = {name: getattr(delivery, name, None) for name in cls.model_fields}
        channel = delivery.channel
        return cls.model_validate(
            {
                **fields,
                "way": "channel" if channel else "mail",
                "channel": channel.name if channel else None,
                "failure": delivery.failure or None,
            }
        )


class NoticeItem(BaseModel):
    """A message to one person."""

    id: int
    recipient: str
    why: str = Field(description=f"One of {', '.join(Why.values)}.")
    subject: str
    made_at: datetime
    read_at: datetime | None
    is_drill: bool
    concerns: list[int] = Field(description="The ids of the concerns that it tells of.")
    deliveries: list[DeliveryItem]

    @classmethod
    def of(cls, notice: Notice) -> Self:
        fields = {name: getattr(notice, name, None) for name in cls.model_fields}
        return cls.model_validate(
            {
                **fields,
                "recipient": notice.recipient.get_username(),
                "concerns": sorted({told.concern_id for told in notice.told.all()}),
                "deliveries": [DeliveryItem.of(one) for one in notice.deliveries.all()],
            }
        )


class NoticePage(PageOf):
    items: list[NoticeItem]


@api.get(
    "/notices", response={200: NoticePage, **PROBLEMS}, operation_id="notices", url_name="notices"
)
def list_notices(request: TokenRequest, query: Query[WindowQuery]) -> dict[str, Any]:
    """The notices that were made for you, by id; for administrators those of everybody."""
    found = query.within(notices_seen_by(access_of(request)), "made_at")
    return page(request, found, query.limit, lambda notice: (notice.pk,), NoticeItem.of)
