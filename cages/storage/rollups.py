"""Definitions of the roll-ups and views: one each, for a view and for a continuous aggregate."""

from dataclasses import dataclass
from datetime import timedelta

from cages.models.poll import Health, Outcome
from cages.models.rollups import LATENCY_BINS, LATENCY_EDGES_MS

POLLS = "cages_poll"
ANSWERED = f"outcome = {Outcome.ANSWERED.value}"


def _conditions() -> dict[str, str]:
    """{column: which polls it counts}, in order, as a continuous aggregate counts them."""
    above = [f"latency_ms > {edge}" for edge in LATENCY_EDGES_MS]
    up_to = [f"latency_ms <= {edge}" for edge in LATENCY_EDGES_MS]
    bounds = zip(["true", *above], [*up_to, "true"], LATENCY_BINS, strict=True)
    return {
        **{outcome.word: f"outcome = {outcome.value}" for outcome in Outcome},
        **{health.word: f"status = {health.value}" for health in Health},
        **{name: f"{ANSWERED} AND {low} AND {high}" for low, high, name in bounds},
    }


CONDITIONS = _conditions()
# A view first counts the polls that are alike. That takes 0.6 of the time of testing every poll
# for every column.
CONDITIONS_OF_ALIKE = CONDITIONS | {
    name: f"{ANSWERED} AND bin = {number}" for number, name in enumerate(LATENCY_BINS)
}
EDGES = ", ".join(map(str, LATENCY_EDGES_MS))
ALIKE = f"""
    SELECT outcome, status, width_bucket(latency_ms - 1, ARRAY[{EDGES}]) AS bin,
           count(*) AS polls, sum(latency_ms) AS total_ms, max(latency_ms) AS longest_ms
    FROM {POLLS}
    WHERE cage_id = cages_cage.id AND slot >= begun.bucket AND slot < begun.until
    GROUP BY outcome, status, bin
"""


def _columns(planned: str, total: str, longest: str, counts: dict[str, str]) -> str:
    counted = [f"({count})::int AS {name}" for name, count in counts.items()]
    healths_end = len(Outcome) + len(Health)
    return ",\n".join(
        [
            f"{planned}::int AS planned",
            *counted[:healths_end],
            f"({total} FILTER (WHERE {ANSWERED}))::bigint AS latency_ms_sum",
            f"{longest} FILTER (WHERE {ANSWERED}) AS latency_ms_max",
            *counted[healths_end:],
        ]
    )


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
        counts = {name: f"count(*) FILTER (WHERE {polls})" for name, polls in CONDITIONS.items()}
        columns = _columns("count(*)", "sum(latency_ms)", "max(latency_ms)", counts)
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
        counts = {
            name: f"coalesce(sum(polls) FILTER (WHERE {polls}), 0)"
            for name, polls in CONDITIONS_OF_ALIKE.items()
        }
        columns = _columns("sum(polls)", "sum(total_ms)", "max(longest_ms)", counts)
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
