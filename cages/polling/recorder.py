"""The recorder: the only writer of polls and states.

A shard's results are written in ONE transaction: all of them or none. Everything is keyed by (cage,
slot), and the first record of a slot stays, so writing twice changes nothing. One exception: a
"skipped" gives way to a real result that arrives later, because what was measured is never lost.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.dispatch import Signal

from cages.models.cycle import OUTCOME_COUNTS
from cages.models.poll import Outcome
from cages.polling.claims import check_results
from cages.polling.results import LISTS, Columns, PollResult, encode
from cages.polling.signals import cycle_finished, minutes_changed
from cages.polling.states import UPSERT_STATES, day_of, place_late_readings
from people.acting import tell

# A cage that was purged meanwhile has no row to hang a record on; its results go nowhere.
# Always in the order of slots and ids, so that two recorders cannot wait for each other.
INSERT_POLLS = """
    INSERT INTO cages_poll (slot, cage_id, latency_ms, outcome, status, http_status, detail)
    SELECT slot, polled.cage_id, latency_ms, outcome, polled.status, http_status, detail
    FROM ({source}) AS polled
    JOIN cages_cage ON cages_cage.id = polled.cage_id
    ORDER BY slot, polled.cage_id
    ON CONFLICT DO NOTHING
"""
REPLACE_SKIPPED = f"""
    UPDATE cages_poll
    SET latency_ms = polled.latency_ms, outcome = polled.outcome, status = polled.status,
        http_status = polled.http_status, detail = polled.detail
    FROM ({{source}}) AS polled
    WHERE cages_poll.slot = polled.slot AND cages_poll.cage_id = polled.cage_id
        AND cages_poll.outcome = {Outcome.SKIPPED.value}
        AND polled.outcome <> {Outcome.SKIPPED.value}
"""
# What `record_past_codes` writes, slot by slot. Nothing is sorted, and each key is looked for
# once, because nothing is there. The time is added as an interval, not by the calendar.
INSERT_CODES = f"""
    INSERT INTO cages_poll (slot, cage_id, latency_ms, outcome, status)
    SELECT %(first)s::timestamptz + n / count * interval '1 minute', ids[n %% count + 1],
           CASE code WHEN {10 * Outcome.SKIPPED} THEN NULL
                     WHEN {10 * Outcome.TIMEOUT} THEN 10000
                     WHEN {10 * Outcome.CONNECTION_ERROR} THEN 2
                     ELSE 1000 + 8 * wait END,
           CASE WHEN code < 10 THEN {Outcome.ANSWERED.value} ELSE code / 10 END,
           CASE WHEN code < 10 THEN code END
    FROM (
        SELECT n, ids, cardinality(ids) AS count, get_byte(codes, n) AS code,
               get_byte(waits, n) AS wait
        FROM (SELECT %(ids)s::int[] AS ids, %(codes)s::bytea AS codes, %(waits)s::bytea AS waits)
             AS past,
             generate_series(0, length(codes) - 1) AS n
    ) AS told
    WHERE code > 0
"""
NAMES = "cage_id, outcome, latency_ms, http_status, status, detail"
ARRAYS = """
    %(cage_id)s::int[], %(outcome)s::smallint[], %(latency_ms)s::int[],
    %(http_status)s::smallint[], %(status)s::smallint[], %(detail)s::text[]
"""
OF_ONE_SLOT = f"SELECT %(slot)s::timestamptz AS slot, * FROM unnest({ARRAYS}) AS result ({NAMES})"
OF_MANY_SLOTS = (
    f"SELECT * FROM unnest(%(slots)s::timestamptz[], {ARRAYS}) AS result (slot, {NAMES})"
)
# Polls and states in one statement, so that the columns travel and are parsed once.
# Returns (outcome, number of polls stored, ids of cages whose state is newer than their poll, and
# what `told` asks for).
STORE = f"""
    WITH stored AS ({{store}} RETURNING cages_poll.cage_id, cages_poll.outcome, cages_poll.status),
    updated AS ({UPSERT_STATES} RETURNING cage_id, outcome_slot, reading_slot)
    SELECT outcome, count(*), (
        SELECT array_agg(cage_id) FROM updated
        WHERE outcome_slot > %(slot)s AND reading_slot IS DISTINCT FROM %(slot)s
    ), {{told}}
    FROM stored GROUP BY outcome
"""
STORE_NEW = STORE.format(store=INSERT_POLLS.format(source=OF_ONE_SLOT), told="NULL")
STORE_REPLACED = STORE.format(
    store=REPLACE_SKIPPED.format(source=OF_ONE_SLOT),
    told="array_agg(cage_id ORDER BY cage_id) FILTER (WHERE status IS NOT NULL)",
)

# What PollCycle.duration_ms can hold: 24 days. A cycle may stay open longer while nothing runs.
LONGEST_DURATION_MS = 2**31 - 1
COUNT = """
    UPDATE cages_pollcycle SET
        {counts},
        finished_at = CASE WHEN {is_complete} THEN %(now)s ELSE finished_at END,
        duration_ms = CASE
            WHEN {is_complete}
            THEN least(greatest(1000 * extract(epoch FROM %(now)s::timestamptz - started_at), 0),
                       {longest})
            ELSE duration_ms
        END
    WHERE slot = %(slot)s
    RETURNING finished_at = %(now)s
""".format(
    counts=", ".join(f"{word} = {word} + %({word})s" for word in OUTCOME_COUNTS.values()),
    is_complete="finished_at IS NULL AND planned = %(added)s + "
    + " + ".join(OUTCOME_COUNTS.values()),
    longest=LONGEST_DURATION_MS,
)


def record(slot: datetime, results: Sequence[PollResult], now: datetime) -> int:
    """Write one shard's results, as `record_columns` does."""
    return record_columns(slot, encode(results), now)


def record_claimed(slot: datetime, columns: Columns, now: datetime) -> int:
    """Write one shard's results that came through Redis, as `record_columns` does.

    Raises NotPlanned where the ledger does not tell that somebody asked for them.
    """
    check_results(slot, columns["cage_id"], now)
    return record_columns(slot, columns, now)


def record_columns(slot: datetime, columns: Columns, now: datetime) -> int:
    """Write one shard's results and count them in the slot's cycle.

    slot: aware, a full minute. now: when the cycle counts as finished, if these were its last.
    Returns how many results were new. Raises what the database raises, and KeyError or ValueError
    for columns that do not fit together; then nothing was written.
    """
    if not columns["cage_id"]:
        return 0
    parameters = {"slot": slot, "day": day_of(slot), **_arrays(columns)}
    with transaction.atomic(), connection.cursor() as cursor:
        counts, late, _ = _store(cursor, STORE_NEW, parameters)
        fresh = counts.total()
        if fresh < len(columns["cage_id"]):
            # A result of a day whose digest is made already is noted.
            tell(cursor)
            replaced, also_late, changed = _store(cursor, STORE_REPLACED, parameters)
            late |= also_late
            if changed:
                _tell(minutes_changed, slot=slot, cage_ids=changed)
            fresh += replaced.total()
            counts.update(replaced)
            counts[Outcome.SKIPPED] -= replaced.total()
        if late:
            known = zip(columns["cage_id"], columns["status"], strict=True)
            late &= {cage_id for cage_id, status in known if status is not None}
        if late:
            place_late_readings(slot, late)
        if fresh:
            # Last in the transaction: all shards of a slot wait for this one row.
            words = {word: counts[outcome] for outcome, word in OUTCOME_COUNTS.items()}
            cursor.execute(COUNT, {"slot": slot, "now": now, "added": counts.total(), **words})
            if any(has_ended for (has_ended,) in cursor.fetchall()):
                _tell(cycle_finished, slot=slot)
    return fresh


def record_past(minutes: Sequence[tuple[datetime, PollResult]]) -> None:
    """Write polls of any slots and cages, for demonstrations and tests; what is there stays.

    Changes neither states nor the ledger: the caller knows the whole story and writes both.
    """
    columns = encode([result for _, result in minutes])
    slots = as_array(json.dumps(slot.isoformat()) for slot, _ in minutes)
    with connection.cursor() as cursor:
        insert_polls(cursor, OF_MANY_SLOTS, {"slots": slots, **_arrays(columns)})


def record_past_codes(first: datetime, cage_ids: Sequence[int], codes: bytes, waits: bytes) -> None:
    """Write the polls of many cages from the slot `first` on, as `record_past`, but fast.

    codes: one byte for each cage, in the order of `cage_ids`, then those of the next slot: a
    Health, or 10 times an Outcome that is not `answered`; 0 for no poll. waits: as many bytes, the
    latency above 1 s in units of 8 ms. Timeouts and connection errors have latencies of their own.
    Raises IntegrityError where one of the polls is there already, or a cage is not.
    """
    told: dict[str, Any] = {"first": first, "ids": list(cage_ids), "codes": codes, "waits": waits}
    with connection.cursor() as cursor:
        cursor.execute(INSERT_CODES, told)


def insert_polls(cursor: CursorWrapper, source: str, parameters: Any) -> None:
    """Write polls; rows whose key exists, and those of cages that do not, are left out.

    source: a SELECT of slot, cage_id, latency_ms, outcome, status, http_status and detail, with its
    parameters.
    """
    cursor.execute(INSERT_POLLS.format(source=source), parameters)


def _tell(signal: Signal, **facts: Any) -> None:
    """Send the signal once the transaction is committed, whatever its receivers do."""
    transaction.on_commit(lambda: signal.send_robust(sender=None, **facts), robust=True)


def _store(
    cursor: CursorWrapper, statement: str, parameters: dict[str, Any]
) -> tuple[Counter[int], set[int], list[int]]:
    """(how many polls were stored by outcome, ids of cages whose state is newer than their poll,
    ids of cages whose skipped poll has a reading now)
    """
    cursor.execute(statement, parameters)
    counts: Counter[int] = Counter()
    late: set[int] = set()
    changed: list[int] = []
    for outcome, count, older, told in cursor.fetchall():
        counts[outcome] = count
        late.update(older or ())
        changed.extend(told or ())
    return counts, late, changed


def _arrays(columns: Columns) -> dict[str, str]:
    """Each column as a PostgreSQL array literal.

    Lists would reach the database as ARRAY[...], which both sides handle a value at a time.
    """
    count = len(columns["cage_id"])
    details: list[str | None] = [None] * count
    for number, detail in columns["detail"].items():
        # PostgreSQL refuses NUL characters in text.
        text = detail.replace("\x00", " ").replace("\\", "\\\\").replace('"', '\\"')
        details[int(number)] = f'"{text}"'
    arrays = {"detail": as_array(details)}
    for name in LISTS:
        values = columns[name]
        if len(values) != count:
            raise ValueError(f"{count} results, but {len(values)} values of {name}")
        # Numbers and null are written alike in JSON and in PostgreSQL.
        arrays[name] = f"{{{json.dumps(values)[1:-1]}}}"
    return arrays


def as_array(values: Iterable[str | None]) -> str:
    """The values, quoted where they need it, as a PostgreSQL array literal."""
    return "{" + ",".join(["NULL" if value is None else value for value in values]) + "}"
