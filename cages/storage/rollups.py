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
        columns = ",\n".join(self.columns)
        if not timescaledb:
            return self._view(unit, literal, columns)
        bucket = (
            f"time_bucket('1 day', slot, {literal})"
            if self.is_daily
            else "time_bucket('1 hour', slot)"
        )
        return (
            f"SELECT cage_id, {bucket} AS bucket,\n{columns}\nFROM {self.table}\n"
            f"GROUP BY cage_id, {bucket}"
        )

    def _view(self, unit, zone, columns):
        # First the buckets that there may be, then the minutes of each: so a query for some
        # buckets reads those alone, where GROUP BY would read all that the cage ever had.
        return f"""
            SELECT cages_cage.id AS cage_id, begun.bucket, counted.*
            FROM cages_cage
            CROSS JOIN LATERAL (
                SELECT min(slot) AT TIME ZONE {zone} AS first, max(slot) AT TIME ZONE {zone} AS last
                FROM {self.table} WHERE cage_id = cages_cage.id
            ) AS kept
            CROSS JOIN LATERAL generate_series(
                date_trunc('{unit}', kept.first), kept.last, interval '1 {unit}'
            ) AS local(clock)
            CROSS JOIN LATERAL (
                SELECT local.clock AT TIME ZONE {zone} AS bucket,
                       (local.clock + interval '1 {unit}') AT TIME ZONE {zone} AS until
            ) AS begun
            CROSS JOIN LATERAL (
                SELECT {columns} FROM {self.table}
                WHERE cage_id = cages_cage.id AND slot >= begun.bucket AND slot < begun.until
            ) AS counted
            WHERE counted.{self.columns[0].split()[-1]} > 0
        """


ROLLUPS = {
    rollup.name: rollup
    for rollup in (
        Rollup("cages_reading_hourly", "cages_reading", tuple(READING_COLUMNS), False),
        Rollup("cages_reading_daily", "cages_reading", tuple(READING_COLUMNS), True),
        Rollup("cages_sensorrequest_hourly", "cages_sensorrequest", tuple(REQUEST_COLUMNS), False),
        Rollup("cages_sensorrequest_daily", "cages_sensorrequest", tuple(REQUEST_COLUMNS), True),
    )
}
