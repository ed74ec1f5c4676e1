"""What the roll-ups are: one definition each, for a view and for a continuous aggregate."""

from dataclasses import dataclass
from datetime import timedelta

from cages.models.reading import Health
from cages.models.rollups import LATENCY_BINS, LATENCY_EDGES_MS
from cages.models.sensor_request import Outcome

ANSWERED = f"outcome = {Outcome.ANSWERED.value}"


def _counts(column, members):
    return [
        f"(count(*) FILTER (WHERE {column} = {member.value}))::int AS {member.word}"
        for member in members
    ]


def _latency_bins():
    above = [f"latency_ms > {edge}" for edge in LATENCY_EDGES_MS]
    up_to = [f"latency_ms <= {edge}" for edge in LATENCY_EDGES_MS]
    bounds = zip(["true", *above], [*up_to, "true"], LATENCY_BINS, strict=True)
    return [
        f"(count(*) FILTER (WHERE {ANSWERED} AND {low} AND {high}))::int AS {name}"
        for low, high, name in bounds
    ]


READING_COLUMNS = ["count(*)::int AS known", *_counts("status", Health)]
REQUEST_COLUMNS = [
    "count(*)::int AS planned",
    *_counts("outcome", Outcome),
    f"(sum(latency_ms) FILTER (WHERE {ANSWERED}))::bigint AS latency_ms_sum",
    f"max(latency_ms) FILTER (WHERE {ANSWERED}) AS latency_ms_max",
    *_latency_bins(),
]


@dataclass(frozen=True)
class Rollup:
    """`columns` of `table`, per cage and per UTC hour, or per day of the facility's `zone`."""

    name: str
    table: str
    columns: tuple[str, ...]
    is_daily: bool

    @property
    def length(self):
        """Of a bucket, but for the two days a year on which the clock is set."""
        return timedelta(days=1) if self.is_daily else timedelta(hours=1)

    def query(self, zone, timescaledb):
        """The SELECT that a view or a continuous aggregate is made of. zone: an IANA name."""
        unit, in_zone = ("day", zone) if self.is_daily else ("hour", "UTC")
        literal = "'" + in_zone.replace("'", "''") + "'"
        if not timescaledb:
            bucket = f"date_trunc('{unit}', slot, {literal})"
        elif self.is_daily:
            bucket = f"time_bucket('1 day', slot, {literal})"
        else:
            bucket = "time_bucket('1 hour', slot)"
        columns = ",\n".join(self.columns)
        return (
            f"SELECT cage_id, {bucket} AS bucket,\n{columns}\nFROM {self.table}\n"
            f"GROUP BY cage_id, {bucket}"
        )


ROLLUPS = {
    rollup.name: rollup
    for rollup in (
        Rollup("cages_reading_hourly", "cages_reading", tuple(READING_COLUMNS), False),
        Rollup("cages_reading_daily", "cages_reading", tuple(READING_COLUMNS), True),
        Rollup("cages_sensorrequest_hourly", "cages_sensorrequest", tuple(REQUEST_COLUMNS), False),
        Rollup("cages_sensorrequest_daily", "cages_sensorrequest", tuple(REQUEST_COLUMNS), True),
    )
}
