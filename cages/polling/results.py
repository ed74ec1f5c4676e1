"""What a poll came to, and how a shard of results travels through Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from cages.models.poll import Health, Outcome

DETAIL_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PollResult:
    """One cage asked once. `status` is given exactly where the outcome is ANSWERED.

    `latency_ms` is None where nothing was sent; `http_status` where no status line came back.
    """

    cage_id: int
    outcome: Outcome
    latency_ms: int | None = None
    http_status: int | None = None
    status: Health | None = None
    detail: str = ""

    @property
    def stored_http_status(self) -> int | None:
        """The value of Poll.http_status: None where the outcome implies it."""
        return None if self.http_status == self.outcome.http_status else self.http_status


class Columns(TypedDict):
    """Results as the columns of Poll: JSON of a third of the size, and what the recorder writes.

    detail: by the number of the result, as a string, and only where there is one.
    """

    cage_id: list[int]
    outcome: list[int]
    latency_ms: list[int | None]
    http_status: list[int | None]
    status: list[int | None]
    detail: dict[str, str]


# Those that have a value for each result.
LISTS: Final = ("cage_id", "outcome", "latency_ms", "http_status", "status")


def skipped(cage_id: int, why: str) -> PollResult:
    """The result of a cage that was planned, but not asked. why: a phrase for the poll's detail."""
    return PollResult(cage_id, Outcome.SKIPPED, detail=why)


def encode(results: Sequence[PollResult]) -> Columns:
    """The results as the columns in which they travel, in the same order."""
    return {
        "cage_id": [result.cage_id for result in results],
        "outcome": [result.outcome.value for result in results],
        "latency_ms": [result.latency_ms for result in results],
        "http_status": [result.stored_http_status for result in results],
        "status": [None if result.status is None else result.status.value for result in results],
        "detail": {
            str(number): result.detail for number, result in enumerate(results) if result.detail
        },
    }


def halves(columns: Columns) -> list[Columns]:
    """Cut columns of several results in two. Empty for one result, or if they do not fit together.

    Nothing is believed of the columns, which may be of another version of Neurocage.
    """
    try:
        count = len(columns["cage_id"])
        lists = [columns[name] for name in LISTS]
        details = {int(number): detail for number, detail in columns["detail"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return []
    if count < 2 or any(len(values) != count for values in lists):
        return []
    parts = []
    for start, end in ((0, count // 2), (count // 2, count)):
        part: Any = {name: columns[name][start:end] for name in LISTS}
        part["detail"] = {str(n - start): d for n, d in details.items() if start <= n < end}
        parts.append(part)
    return parts
