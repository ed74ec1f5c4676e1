"""Every minute of some cages, known or not, as the export has it: GET /api/v1/minutes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Self

from ninja import Query
from pydantic import BaseModel, Field

from cages.api.paging import decode, page
from cages.api.parameters import SeriesQuery
from cages.api.routes import OF_MINUTES, PROBLEMS_OF_CAGES, api, ids_of_visible
from cages.api.schemas import STATUS, HealthWord, OutcomeWord, PageOf
from cages.api.tokens import TokenRequest
from cages.clock import now_of
from cages.exporting.rows import readings
from cages.history.not_known import Why
from cages.history.window import Window
from cages.models import Cage
from cages.slots import SLOT_LENGTH, slot_from, slot_of


class MinuteItem(BaseModel):
    """A minute since the cage was created. What is not known of it is null."""

    cage_id: int
    slot: datetime
    status: int | None = Field(description=f"{STATUS} Null: not known.")
    status_label: HealthWord | None
    outcome: OutcomeWord | None = Field(description="Null: no poll was planned.")
    http_status: int | None
    latency_ms: int | None
    watched: bool = Field(description="Whether the sensor was polled in this minute.")
    why_not_known: str | None = Field(
        description=f"One of {', '.join(Why)}. Null: the health is known."
    )
    light_phase: str | None = Field(description="light or dark by the schedule. Null: no schedule.")
    zt_minutes: int | None = Field(description="Minutes since lights on.")
    schedule_version: int | None = Field(description="Which light schedule held.")
    handling: str | None = Field(
        description="Kinds of handling noted for this very minute, joined by +."
    )
    group: str | None = Field(description="Of the animals in the cage on that day.")

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Self:
        """row: one of `cages.exporting.rows.readings`."""
        cage_id, _label, seconds, *rest = row
        names = list(cls.model_fields)[2:]
        return cls(
            cage_id=cage_id,
            slot=datetime.fromtimestamp(seconds, UTC),
            **dict(zip(names, rest, strict=True)),
        )


class MinutePage(PageOf):
    items: list[MinuteItem]


@api.get(
    "/minutes",
    response={200: MinutePage, **PROBLEMS_OF_CAGES},
    auth=OF_MINUTES,
    operation_id="minutes",
    url_name="minutes",
)
def list_minutes(request: TokenRequest, query: Query[SeriesQuery]) -> dict[str, Any]:
    """Every minute of cages, known or not, with light, handling and group, by cage and time.

    From the minute in which a cage was created to the last one that has ended.
    """
    # The slots that begin within the time asked for.
    end = min(slot_from(query.to), slot_of(now_of(request)))
    window = Window(min(slot_from(query.from_), end), end)
    ids = ids_of_visible(request, query.cage)
    cages = Cage.objects.filter(pk__in=ids).order_by("pk")
    found: list[tuple[Any, ...]] = []
    for cage, part in _parts(
        cages.values_list("pk", "label", "created_at"),
        window,
        decode(query.cursor, (int, datetime)),
        query.limit + 1,
    ):
        for rows in readings([cage], part):
            found += rows
    return page(request, found, query.limit, _key, MinuteItem.of)


def _parts(
    cages: Any, window: Window, key: tuple[int, datetime] | None, most: int
) -> Iterator[tuple[tuple[int, str, datetime], Window]]:
    """Which minutes of each cage come after the key (cage id, slot): `most` of all together."""
    for cage in cages:
        cage_id, _label, created_at = cage
        if key and cage_id < key[0]:
            continue
        start = window.since(created_at).start
        if key and cage_id == key[0]:
            start = max(start, key[1] + SLOT_LENGTH)
        end = min(window.end, start + most * SLOT_LENGTH) if start < window.end else start
        if start < end:
            yield cage, Window(start, end)
            most -= (end - start) // SLOT_LENGTH
        if not most:
            return


def _key(row: tuple[Any, ...]) -> tuple[int, datetime]:
    return row[0], datetime.fromtimestamp(row[2], UTC)
