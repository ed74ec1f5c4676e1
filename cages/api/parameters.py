"""What a request may ask for, and how it is written."""

from datetime import date, datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.utils import translation
from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, field_validator

from cages.api.paging import decode
from cages.history.moment import NotATime, moment_of

CAGES_AT_MOST = 8
LARGEST_PAGE = 10_000


def moment_from(text: str) -> datetime:
    """`moment_of`, with the error in English, as all of the API. Raises NotATime."""
    with translation.override("en"):
        try:
            return moment_of(text)
        except NotATime as error:
            raise NotATime(f"{error} In an address, + is written %2B.") from None


def day_from(text: str) -> date:
    """A day as YYYY-MM-DD. Raises ValueError for anything else, such as a number."""
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError("must be a day, as 2026-03-02")
    return day


Day = Annotated[date, BeforeValidator(day_from)]
Moment = Annotated[datetime, BeforeValidator(moment_from)]
Cursor = Annotated[
    str | None,
    Field(description="Position after the previous page. Use the address in its `next`."),
]


class SeriesQuery(BaseModel):
    """Which minutes or hours of which cages."""

    cage: list[int] = Field(
        min_length=1,
        max_length=CAGES_AT_MOST,
        description="Id of a cage. Repeat the parameter for more cages.",
    )
    from_: Moment = Field(
        alias="from", description="Start, included. A time without an offset is facility time."
    )
    to: Moment = Field(description="End, not included.")
    limit: int = Field(
        1000, ge=1, le=LARGEST_PAGE, description="Largest number of items on a page."
    )
    cursor: Cursor = None

    @field_validator("to")
    @classmethod
    def is_after_from(cls, to: datetime, info: ValidationInfo) -> datetime:
        start = info.data.get("from_")
        if start is not None and to <= start:
            raise ValueError("must be after from")
        return to


class CagesQuery(BaseModel):
    archived: bool = Field(False, description="Archived cages instead of active ones.")
    limit: int = Field(500, ge=1, le=500, description="Largest number of cages on a page.")
    cursor: Cursor = None


class StatesQuery(BaseModel):
    limit: int = Field(
        1000, ge=1, le=LARGEST_PAGE, description="Largest number of items on a page."
    )
    cursor: Cursor = None


class WindowQuery(BaseModel):
    """A window in time, and a page of what is in it."""

    from_: Moment | None = Field(
        None, alias="from", description="From here on. Without it: from the first one on."
    )
    to: Moment | None = Field(None, description="Before this moment. Without it: up to now.")
    limit: int = Field(200, ge=1, le=1000, description="Largest number of items on a page.")
    cursor: Cursor = None

    @field_validator("to")
    @classmethod
    def is_after_from(cls, to: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("from_")
        if start is not None and to is not None and to <= start:
            raise ValueError("must be after from")
        return to

    def within(self, rows: QuerySet[Any], field: str) -> list[Any]:
        """The rows of the page by id, and one more where there are more."""
        if self.from_:
            rows = rows.filter(**{f"{field}__gte": self.from_})
        if self.to:
            rows = rows.filter(**{f"{field}__lt": self.to})
        if key := decode(self.cursor, [int]):
            rows = rows.filter(pk__gt=key[0])
        return list(rows.order_by("pk")[: self.limit + 1])
