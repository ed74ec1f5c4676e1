"""Definitions of the roll-ups and views: one each, for a view and for a continuous aggregate."""

from dataclasses import dataclass
from datetime import timedelta

from cages.models.poll import Health, Outcome
from cages.models.rollups import LATENCY_BINS, LATENCY_EDGES_MS

POLLS = "cages_poll"
ANSWERED = f"outcome = {Outcome.ANSWERED.value}"


# Which of LATENCY_BINS a latency is in. The first by comparisons, the second by its number.
IN_BIN = [
    f"{low} AND {high}"
    for low, high in zip(
        ["true", *(f"latency_ms > {edge}" for edge in LATENCY_EDGES_MS)],
        [*(f"latency_ms <= {edge}" for edge in LATENCY_EDGES_MS), "true"],
        strict=True,
    )
]
IN_NUMBERED_BIN = [f"bin = {number}" for number in range(len(LATENCY_BINS))]
# Polls that are alike. A view counts these groups: 0.6 of the time of testing every poll for every
# column.
EDGES = ", ".join(map(str, LATENCY_EDGES_MS))
ALIKE = f"""
    SELECT outcome, status, width_bucket(latency_ms - 1, ARRAY[{EDGES}]) AS bin,
           count(*) AS polls, sum(latency_ms) AS total_ms, max(latency_ms) AS longest_ms
    FROM {POLLS}
    WHERE cage_id = cages_cage.id AND slot >= begun.bucket AND slot < begun.until
    GROUP BY outcome, status, bin
"""


def _columns(planned: str, count: str, total: str, longest: str, in_bin: list[str]) -> str:
    """The columns of a roll-up. count: the number of polls that meet the condition {}."""

    def counted(condition: str, name: str) -> str:
        return f"({count.format(condition)})::int AS {name}"

    columns = [
        f"{planned}::int AS planned",
        *(counted(f"outcome = {outcome.value}", outcome.word) for outcome in Outcome),
        *(counted(f"status = {health.value}", health.word) for health in Health),
        f"({total} FILTER (WHERE {ANSWERED}))::bigint AS latency_ms_sum",
        f"{longest} FILTER (WHERE {ANSWERED}) AS latency_ms_max",
        *map(counted, (f"{ANSWERED} AND {inside}" for inside in in_bin), LATENCY_BINS),
    ]
    return ",\n".join(columns)


@dataclass(frozen=True)
class Rollup:
    """The polls per cage and per UTC hour, or per day of the facility's time zone."""

    name: str
    is_daily: bool

    @property
    def length(self) -> timedelta:
        """Length of a bucket. Two days a year are 23 or 25 hours long."""
        return timedelta(days=1) if self.is_daily else timedelta(hours=1)

    def query(self, zone: str, timescaledb: bool) -> str:
        """The SELECT that a view or a continuous aggregate is made of. zone: an IANA name."""
        unit, in_zone = ("day", zone) if self.is_daily else ("hour", "UTC")
        literal = "'" + in_zone.replace("'", "''") + "'"
        if not timescaledb:
            return self._view(unit, literal)
        count = "count(*) FILTER (WHERE {})"
        columns = _columns("count(*)", count, "sum(latency_ms)", "max(latency_ms)", IN_BIN)
        bucket = (
            f"time_bucket('1 day', slot, {literal})"
            if self.is_daily
            else "time_bucket('1 hour', slot)"
        )
        return (
            f"SELECT cage_id, {bucket} AS bucket,\n{columns}\nFROM {POLLS}\n"
            f"GROUP BY cage_id, {bucket}"
        )

    def _view(self, unit: str, zone: str) -> str:
        count = "coalesce(sum(polls) FILTER (WHERE {}), 0)"
        of_alike = ("sum(polls)", count, "sum(total_ms)", "max(longest_ms)")
        columns = _columns(*of_alike, IN_NUMBERED_BIN)
        # First the possible buckets, then the minutes of each. A query for some buckets then reads
        # only those, where GROUP BY would read all minutes of the cage.
        return f"""
            SELECT cages_cage.id AS cage_id, begun.bucket, counted.*
            FROM cages_cage
            CROSS JOIN LATERAL (
                SELECT min(slot) AT TIME ZONE {zone} AS first, max(slot) AT TIME ZONE {zone} AS last
                FROM {POLLS} WHERE cage_id = cages_cage.id
            ) AS kept
            CROSS JOIN LATERAL generate_series(
                date_trunc('{unit}', kept.first), kept.last, interval '1 {unit}'
            ) AS local(clock)
            CROSS JOIN LATERAL (
                SELECT local.clock AT TIME ZONE {zone} AS bucket,
                       (local.clock + interval '1 {unit}') AT TIME ZONE {zone} AS until
            ) AS begun
            CROSS JOIN LATERAL (
                SELECT {columns} FROM ({ALIKE}) AS alike
            ) AS counted
            WHERE counted.planned > 0
        """


ROLLUPS = {
    rollup.name: rollup
    for rollup in (
        Rollup("cages_poll_hourly", is_daily=False),
        Rollup("cages_poll_daily", is_daily=True),
    )
}


def _http_status() -> str:
    implied = " ".join(
        f"WHEN {outcome.value} THEN {outcome.http_status}"
        for outcome in Outcome
        if outcome.http_status
    )
    return f"coalesce(http_status, (CASE outcome {implied} END)::smallint) AS http_status"


# For people who read with SQL: each of the two facts on its own.
VIEWS = {
    "cages_reading": f"SELECT cage_id, slot, status FROM {POLLS} WHERE {ANSWERED}",
    "cages_sensorrequest": f"SELECT cage_id, slot, latency_ms, outcome, {_http_status()}, detail"
    f" FROM {POLLS}",
}
