"""The recorder: the only writer of readings, sensor requests and states.

A shard's results go in with ONE transaction: all of them or none. Everything is keyed by (cage,
slot), and the first record of a slot stays, so writing twice changes nothing. One exception: a
"skipped" gives way to a real result that arrives later, because what was measured is never lost.
"""

from collections import Counter
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F

from cages.models import Outcome, PollCycle
from cages.models.cycle import OUTCOME_COUNTS
from cages.polling.states import update_states

# A cage that was purged meanwhile has no row to hang a record on; its results go nowhere.
# Always in the order of the ids, so that two recorders cannot wait for each other.
INSERT_REQUESTS = """
    INSERT INTO cages_sensorrequest (slot, cage_id, latency_ms, outcome, http_status, detail)
    SELECT %s, polled.cage_id, latency_ms, outcome, http_status, detail
    FROM unnest(%s::int[], %s::int[], %s::smallint[], %s::smallint[], %s::text[])
         AS polled (cage_id, latency_ms, outcome, http_status, detail)
    JOIN cages_cage ON cages_cage.id = polled.cage_id
    ORDER BY polled.cage_id
    ON CONFLICT DO NOTHING
    RETURNING cage_id
"""

REPLACE_SKIPPED = """
    UPDATE cages_sensorrequest AS stored
    SET latency_ms = polled.latency_ms, outcome = polled.outcome,
        http_status = polled.http_status, detail = polled.detail
    FROM unnest(%s::int[], %s::int[], %s::smallint[], %s::smallint[], %s::text[])
         AS polled (cage_id, latency_ms, outcome, http_status, detail)
    WHERE stored.slot = %s AND stored.cage_id = polled.cage_id AND stored.outcome = %s
    RETURNING stored.cage_id
"""

INSERT_READINGS = """
    INSERT INTO cages_reading (slot, cage_id, status)
    SELECT %s, cage_id, status
    FROM unnest(%s::int[], %s::smallint[]) AS known (cage_id, status)
    ORDER BY cage_id
    ON CONFLICT DO NOTHING
"""


def record(slot, results, now):
    """Write one shard's results and count them in the slot's cycle.

    slot: aware, a full minute. now: when the cycle counts as finished, if these were its last.
    Returns how many results were new. Raises what the database raises; then nothing was written.
    """
    if not results:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        new = _write_requests(cursor, slot, results)
        replaced = (
            _replace_skipped(cursor, slot, results, new) if len(new) < len(results) else set()
        )
        fresh = [
            result for result in results if result.cage_id in new or result.cage_id in replaced
        ]
        if fresh:
            _write_readings(cursor, slot, [r for r in fresh if r.status is not None])
            update_states(cursor, slot, fresh)
            _count(slot, fresh, replaced=len(replaced), now=now)
    return len(fresh)


def _request_columns(results):
    return [
        [result.cage_id for result in results],
        [result.latency_ms for result in results],
        [int(result.outcome) for result in results],
        [result.stored_http_status for result in results],
        # A NUL is text to Python and poison to PostgreSQL.
        [result.detail.replace("\x00", " ") for result in results],
    ]


def _write_requests(cursor, slot, results):
    cursor.execute(INSERT_REQUESTS, [slot, *_request_columns(results)])
    return {cage_id for (cage_id,) in cursor.fetchall()}


def _replace_skipped(cursor, slot, results, new):
    real = [
        result
        for result in results
        if result.outcome != Outcome.SKIPPED and result.cage_id not in new
    ]
    if not real:
        return set()
    cursor.execute(REPLACE_SKIPPED, [*_request_columns(real), slot, Outcome.SKIPPED.value])
    return {cage_id for (cage_id,) in cursor.fetchall()}


def _write_readings(cursor, slot, known):
    if known:
        ids, statuses = zip(*((r.cage_id, int(r.status)) for r in known), strict=True)
        cursor.execute(INSERT_READINGS, [slot, list(ids), list(statuses)])


def _count(slot, fresh, replaced, now):
    """Last in the transaction: all shards of a slot wait for this one row."""
    counts = Counter(OUTCOME_COUNTS[result.outcome] for result in fresh)
    counts[Outcome.SKIPPED.word] -= replaced
    cycle = PollCycle.objects.filter(slot=slot)
    cycle.update(**{word: F(word) + count for word, count in counts.items() if count})
    recorded = sum(F(word) for word in OUTCOME_COUNTS.values())
    complete = cycle.open().annotate(recorded=recorded).filter(recorded=F("planned"))
    for started_at in complete.values_list("started_at", flat=True):
        duration = max(now - started_at, timedelta())
        cycle.update(finished_at=now, duration_ms=round(duration.total_seconds() * 1000))
