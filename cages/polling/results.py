"""What a poll came to, and how a shard of results travels through Redis."""

from dataclasses import dataclass

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


def skipped(cage_id, why):
    return PollResult(cage_id, Outcome.SKIPPED, detail=why)


def encode(results):
    """Columns instead of rows: a third of the bytes, and the recorder writes columns anyway."""
    return {
        "cage_id": [result.cage_id for result in results],
        "outcome": [int(result.outcome) for result in results],
        "latency_ms": [result.latency_ms for result in results],
        "http_status": [result.http_status for result in results],
        "status": [None if result.status is None else int(result.status) for result in results],
        "detail": {
            str(index): result.detail for index, result in enumerate(results) if result.detail
        },
    }


def decode(columns):
    """The results that `encode` took apart; raises ValueError or KeyError on anything else."""
    details = columns["detail"]
    rows = zip(
        columns["cage_id"],
        columns["outcome"],
        columns["latency_ms"],
        columns["http_status"],
        columns["status"],
        strict=True,
    )
    return [
        PollResult(
            cage_id,
            Outcome(outcome),
            latency_ms,
            http_status,
            None if status is None else Health(status),
            details.get(str(index), ""),
        )
        for index, (cage_id, outcome, latency_ms, http_status, status) in enumerate(rows)
    ]
