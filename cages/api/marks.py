"""Marks for programs: GET /api/v1/marks."""

from datetime import datetime
from typing import Any, Self

from ninja import Query
from pydantic import BaseModel, Field

from cages import marking
from cages.api.paging import page
from cages.api.parameters import WindowQuery
from cages.api.routes import OF_CAGES, PROBLEMS_OF_CAGES, access_of, api, ids_of_visible
from cages.api.schemas import PageOf
from cages.api.tokens import TokenRequest
from cages.models import Mark
from cages.models.mark import BuiltIn


class MarksQuery(WindowQuery):
    """Which marks: those that began within a window."""

    cage: int | None = Field(
        None, description="Only those of this cage itself, without its rack's and its room's."
    )
    withdrawn: bool = Field(False, description="Withdrawn ones too.")


class MarkItem(BaseModel):
    """Work at one cage, one rack or one room. The other two are null."""

    id: int
    key: str = Field(description="A UUID, made where it was noted.")
    kind: str = Field(
        description=f"{', '.join(BuiltIn.values)}, or the name of a kind of this facility."
    )
    is_handling: bool = Field(description="Whether it disturbs the animals.")
    cage_id: int | None
    rack_id: int | None
    room_id: int | None
    starts_at: datetime
    ends_at: datetime = Field(description="The same as starts_at where it took a moment.")
    note: str
    by: str
    noted_at: datetime
    withdrawn_at: datetime | None

    @classmethod
    def of(cls, mark: Mark) -> Self:
        fields = {name: getattr(mark, name, None) for name in cls.model_fields}
        told = {"key": str(mark.key), "kind": mark.kind.word, "is_handling": mark.kind.is_handling}
        return cls.model_validate({**fields, **told})


class MarkPage(PageOf):
    items: list[MarkItem]


@api.get(
    "/marks",
    response={200: MarkPage, **PROBLEMS_OF_CAGES},
    auth=OF_CAGES,
    operation_id="marks",
    url_name="marks",
)
def list_marks(request: TokenRequest, query: Query[MarksQuery]) -> dict[str, Any]:
    """The marks of your cages, and of the racks and rooms of these, by id."""
    marks = marking.seen_by(access_of(request)).select_related("kind")
    if not query.withdrawn:
        marks = marks.valid()
    if query.cage is not None:
        marks = marks.filter(cage__in=ids_of_visible(request, [query.cage]))
    return page(request, query.within(marks, "starts_at"), query.limit, _key, MarkItem.of)


def _key(mark: Mark) -> tuple[int]:
    return (mark.pk,)
