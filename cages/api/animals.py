"""Animals for programs: GET /api/v1/animals."""

from datetime import date
from typing import Any, Self

from ninja import Query
from pydantic import BaseModel, Field

from cages.api.paging import decode, page
from cages.api.parameters import Cursor, Day
from cages.api.routes import OF_CAGES, PROBLEMS_OF_CAGES, access_of, api, ids_of_visible
from cages.api.schemas import PageOf
from cages.api.tokens import TokenRequest
from cages.models import Cage, Housing
from cages.models.animal import Sex

SEXES = ", ".join(sex.value for sex in Sex if sex.value)


class AnimalsQuery(BaseModel):
    """Which animals: those of one cage or of all, on one day or ever."""

    cage: int | None = Field(None, description="Only those of this cage.")
    on: Day | None = Field(
        None, description="Only those that lived there on this day of the facility."
    )
    limit: int = Field(200, ge=1, le=1000, description="Largest number of items on a page.")
    cursor: Cursor = None


class AnimalItem(BaseModel):
    """An animal in one cage. One that was moved has an item for each cage."""

    id: int = Field(description="Of the animal in this cage.")
    animal_id: int = Field(description="Of the animal, the same in each cage.")
    number: str
    sex: str | None = Field(description=f"{SEXES}. Null: not known.")
    born_on: date | None
    strain: str
    genotype: str
    protocol: str
    group: str
    cage_id: int
    since: date = Field(description="The first day in this cage.")
    until: date | None = Field(
        description="The first day no longer in this cage. Null: it lives there."
    )

    @classmethod
    def of(cls, housing: Housing) -> Self:
        animal = housing.animal
        names = ("number", "born_on", "strain", "genotype", "protocol", "group")
        return cls(
            id=housing.pk,
            animal_id=animal.pk,
            sex=animal.sex or None,
            cage_id=housing.cage_id,
            since=housing.since,
            until=housing.until,
            **{name: getattr(animal, name) for name in names},
        )


class AnimalPage(PageOf):
    items: list[AnimalItem]


@api.get(
    "/animals",
    response={200: AnimalPage, **PROBLEMS_OF_CAGES},
    auth=OF_CAGES,
    operation_id="animals",
    url_name="animals",
)
def list_animals(request: TokenRequest, query: Query[AnimalsQuery]) -> dict[str, Any]:
    """The animals of your cages, archived ones too, with the days in each cage, by id."""
    housings = Housing.objects.select_related("animal")
    if query.cage is not None:
        housings = housings.filter(cage__in=ids_of_visible(request, [query.cage]))
    else:
        seen = access_of(request).sees(Cage.objects.all())
        housings = housings.filter(cage__in=seen.order_by().values("pk"))
    if query.on:
        housings = housings.on(query.on)
    if key := decode(query.cursor, [int]):
        housings = housings.filter(pk__gt=key[0])
    found = list(housings.order_by("pk")[: query.limit + 1])
    return page(request, found, query.limit, lambda one: (one.pk,), AnimalItem.of)
