"""What the answers hold. Each item knows how it is made of what is kept."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, Field

from cages.models import Cage, CageState, Condition, Health, Outcome, Poll, PollHourly
from cages.models.fields import values_of
from cages.models.rollups import LATENCY_BINS, LATENCY_EDGES_MS, bin_widths

HEALTH_WORDS = {health.value: health.word for health in Health}
OUTCOME_WORDS = {outcome.value: outcome.word for outcome in Outcome}
if TYPE_CHECKING:  # mypy cannot read a Literal that is computed
    HealthWord = str
    OutcomeWord = str
    ConditionWord = str
else:
    HealthWord = Literal[tuple(HEALTH_WORDS.values())]
    OutcomeWord = Literal[tuple(OUTCOME_WORDS.values())]
    ConditionWord = Literal[tuple(Condition.values)]
STATUS = "1 bad, 2 ok, 3 perfect."


class Problem(BaseModel):
    detail: str = Field(description="What is wrong.")


class CageItem(BaseModel):
    id: int
    label: str
    owner: str
    room: str
    rack: str
    row: str
    column: int | None
    strain: str
    animal_count: int | None = Field(
        description="Of the animals recorded today, where any were ever recorded; else as entered."
    )
    animals_are_recorded: bool = Field(description="Whether animal_count counts recorded animals.")
    notes: str
    is_polled: bool
    created_at: datetime
    archived_at: datetime | None

    @classmethod
    def of(cls, cage: Cage) -> Self:
        """cage: one `with_animals`."""
        animals = cage.animals
        told = {
            **values_of(cage),
            "animal_count": animals.count,
            "animals_are_recorded": animals.is_recorded,
        }
        rest = {name: getattr(cage, name) for name in cls.model_fields if name not in told}
        return cls(**told, **rest)


class StateItem(BaseModel):
    """The latest that is known of a cage. What was never known is null."""

    cage_id: int
    condition: ConditionWord
    status: int | None = Field(description=f"Last known health, of any age. {STATUS}")
    status_label: HealthWord | None
    reading_slot: datetime | None
    age_seconds: int | None = Field(
        description="Seconds since reading_slot began. Null if that is ahead of now."
    )
    outcome: OutcomeWord | None = Field(description="Outcome of the last poll.")
    outcome_slot: datetime | None

    @classmethod
    def of(cls, cage: Cage, now: datetime) -> Self:
        state = cage.known_state or CageState()
        age = state.age(now)
        return cls(
            cage_id=cage.pk,
            condition=cage.condition(now).value,
            status=state.status,
            status_label=HEALTH_WORDS.get(state.status or 0),
            reading_slot=state.reading_slot,
            age_seconds=None if age is None else int(age.total_seconds()),
            outcome=OUTCOME_WORDS.get(state.outcome or 0),
            outcome_slot=state.outcome_slot,
        )


class ReadingItem(BaseModel):
    """A minute whose health is known. A minute without one is not known."""

    cage_id: int
    slot: datetime
    status: int = Field(description=STATUS)
    status_label: HealthWord

    @classmethod
    def of(cls, poll: Poll) -> Self:
        """poll: an answered one."""
        status = Health(poll.status or 0)
        return cls(
            cage_id=poll.cage_id, slot=poll.slot, status=status.value, status_label=status.word
        )


class RequestItem(BaseModel):
    """A planned poll. A minute without one was not watched."""

    cage_id: int
    slot: datetime
    outcome: OutcomeWord
    http_status: int | None
    latency_ms: int | None
    detail: str

    @classmethod
    def of(cls, poll: Poll) -> Self:
        return cls(
            cage_id=poll.cage_id,
            slot=poll.slot,
            outcome=OUTCOME_WORDS[poll.outcome],
            http_status=poll.answer_status,
            latency_ms=poll.latency_ms,
            detail=poll.detail or "",
        )


class HourItem(BaseModel):
    """An hour in which a cage was polled: its known minutes by health, its polls by outcome."""

    cage_id: int
    hour: datetime
    bad: int
    ok: int
    perfect: int
    answered: int
    unavailable: int
    timeout: int
    connection_error: int
    http_error: int
    malformed: int
    skipped: int
    latency_ms_sum: int | None = Field(description="Answered polls only.")
    latency_ms_max: int | None = Field(description="Answered polls only.")
    latency_bins: list[int] = Field(
        description="How many of the answered polls took up to "
        f"{', '.join(map(str, LATENCY_EDGES_MS))} ms, and how many longer. Add up the bins of "
        "several hours to estimate their percentiles together. Such an estimate is wrong by less "
        f"than the width of the bin it lies in: {bin_widths()}.",
    )

    @classmethod
    def of(cls, row: PollHourly) -> Self:
        same = {name: getattr(row, name) for name in HOURLY}
        bins = [getattr(row, name) for name in LATENCY_BINS]
        return cls(hour=row.bucket, latency_bins=bins, **same)


HOURLY = [name for name in HourItem.model_fields if name not in ("hour", "latency_bins")]


class PageOf(BaseModel):
    next: str | None = Field(description="The address of the next page; null on the last one.")


class CagePage(PageOf):
    items: list[CageItem]


class StatePage(PageOf):
    items: list[StateItem]


class ReadingPage(PageOf):
    items: list[ReadingItem]


class RequestPage(PageOf):
    items: list[RequestItem]


class HourPage(PageOf):
    items: list[HourItem]
