"""How long a back-test takes that reads and replays months of stored minutes.

python -m bench.back_test --on postgresql --health animals
"""

import resource
import time
from datetime import UTC, datetime, timedelta

from bench import rules, years

FIRST = datetime.combine(rules.FIRST_DAY, datetime.min.time(), UTC)
ROUNDS = 3
DAY_OF_ROWS = """
    INSERT INTO cages_poll (slot, cage_id, latency_ms, outcome, status)
    SELECT slot, cage_id, latency_ms, outcome,
           CASE WHEN outcome = 1 THEN get_byte(health, number) END
    FROM (
        SELECT %s + number * interval '1 minute' AS slot, number, cage_id, health,
               1000 + (random() * 2000)::int AS latency_ms,
               CASE WHEN random() < 0.75 THEN 1 ELSE 2 END AS outcome
        FROM generate_series(0, 1439) AS number, bench_health ORDER BY number
    ) AS polled
"""


def fill(cages, days, health):
    """The minutes of so many days from FIRST on, minute by minute. Returns the owner."""
    import numpy as np
    from django.db import connection

    from cages.models import Cage

    owner = years.make_cages(cages)
    Cage.objects.update(created_at=FIRST)
    ids = list(Cage.objects.order_by("pk").values_list("pk", flat=True))
    draw = np.random.default_rng(rules.SEEDS["random"])
    is_bad = rules.animals(days) if health == "animals" else None
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute("CREATE TABLE bench_health (cage_id int, health bytea)")
        keys = _without_keys(cursor)
        for day in range(days):
            years.tell(f"day {day + 1} of {days}")
            cursor.execute("TRUNCATE bench_health")
            for row, cage in enumerate(ids):
                if is_bad is None:
                    codes = draw.integers(1, 4, rules.DAY)
                else:
                    row %= rules.CAGES
                    codes = np.where(is_bad[row, day * rules.DAY : (day + 1) * rules.DAY], 1, 2)
                packed = codes.astype(np.uint8).tobytes()
                cursor.execute("INSERT INTO bench_health VALUES (%s, %s)", [cage, packed])
            cursor.execute(DAY_OF_ROWS, [FIRST + timedelta(days=day)])
        for key in keys:
            cursor.execute(key)
        cursor.execute("VACUUM (ANALYZE)")
    years.compress()
    return owner


def _without_keys(cursor):
    """Drop the keys of a plain table, which is filled in a third of the time without them.

    Returns the statements that make them again; none on a hypertable.
    """
    cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
    if cursor.fetchone():
        return []
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = 'cages_poll'::regclass AND contype IN ('f', 'p')"
    )
    keys = cursor.fetchall()
    for name, _definition in keys:
        cursor.execute(f'ALTER TABLE cages_poll DROP CONSTRAINT "{name}"')  # noqa: S608
    return [f'ALTER TABLE cages_poll ADD CONSTRAINT "{name}" {text}' for name, text in keys]


def main():
    parser = years.arguments(__doc__, cages=500, days=90)
    parser.add_argument("--health", choices=("animals", "random"), default="animals")
    options = parser.parse_args()
    with years.database(options.on):
        begun = time.monotonic()
        fill(options.cages, options.days, options.health)
        print(f"filled in {time.monotonic() - begun:.0f} s", flush=True)
        measure(options.days)


def measure(days):
    from cages.models import Cage
    from welfare.models import Kind, Rule
    from welfare.rules.back_test import back_test
    from welfare.rules.parameters import BadLong
    from welfare.rules.rates import facility_shares, rate_of

    rule = Rule.objects.get(kind=Kind.BAD_LONG, room=None, lab=None)
    now = FIRST + timedelta(days=days)
    begun = time.monotonic()
    shares = facility_shares(now)
    print(f"shares of the facility: {time.monotonic() - begun:.2f} s, {shares}")
    begun = time.monotonic()
    rate = rate_of(BadLong(), shares.bad, shares.missing)
    print(f"rate: {time.monotonic() - begun:.2f} s, {rate}")
    for proposed in (BadLong(share_percent=80), BadLong(share_percent=90)):
        for span in (7, min(days, 90)):
            times = []
            for _ in range(ROUNDS):
                begun = time.monotonic()
                tried = back_test(rule, proposed, BadLong(), span, now, Cage.objects.all())
                times.append(time.monotonic() - begun)
            told = ", ".join(f"{seconds:.1f}" for seconds in sorted(times))
            raised = f"{tried.proposed.raised} and {tried.in_force.raised}"
            print(
                f"{proposed.share_percent} % beside 85 %, {tried.cages} cages, {span} days: "
                f"{told} s; raised {raised}",
                flush=True,
            )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"largest resident memory of Python, filling included: {memory:.0f} MB")


if __name__ == "__main__":
    main()
