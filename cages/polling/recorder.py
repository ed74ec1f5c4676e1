"""The recorder: the only writer of polls and states.

A shard's results are written in ONE transaction: all of them or none. Everything is keyed by (cage,
slot), and the first record of a slot stays, so writing twice changes nothing. One exception: a
"skipped" gives way to a real result that arrives later, because what was measured is never lost.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from cages.models import Outcome, PollCycle
from cages.models.cycle import OUTCOME_COUNTS
from cages.polling.results import PollResult
from cages.polling.states import update_states

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

RESULTS = """
    unnest(%s::int[], %s::int[], %s::smallint[], %s::smallint[], %s::smallint[], %s::text[])
    AS result (cage_id, latency_ms, outcome, status, http_status, detail)
"""
OF_ONE_SLOT = f"SELECT %s::timestamptz AS slot, result.* FROM {RESULTS}"
OF_MANY_SLOTS = """
    SELECT * FROM unnest(%s::timestamptz[], %s::int[], %s::int[], %s::smallint[], %s::smallint[],
                         %s::smallint[], %s::text[])
    AS result (slot, cage_id, latency_ms, outcome, status, http_status, detail)
"""

REPLACE_SKIPPED = f"""
    UPDATE cages_poll AS stored
    SET latency_ms = result.latency_ms, outcome = result.outcome, status = result.status,
        http_status = result.http_status, detail = result.detail
    FROM {RESULTS}
    WHERE stored.slot = %s AND stored.cage_id = result.cage_id AND stored.outcome = %s
    RETURNING stored.cage_id
"""


def record(slot: datetime, results: Sequence[PollResult], now: datetime) -> int:
    """Write one shard's results and count them in the slot's cycle.

    slot: aware, a full minute. now: when the cycle counts as finished, if these were its last.
    Returns how many results were new. Raises what the database raises; then nothing was written.
    """
    if not results:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        new = _write_polls(cursor, slot, results)
        replaced = (
            _replace_skipped(cursor, slot, results, new) if len(new) < len(results) else set()
        )
        fresh = [
            result for result in results if result.cage_id in new or result.cage_id in replaced
        ]
        if fresh:
            update_states(cursor, slot, fresh)
            _count(slot, fresh, replaced=len(replaced), now=now)
    return len(fresh)


def record_past(minutes: Sequence[tuple[datetime, PollResult]]) -> None:
    """Write polls of any slots and cages, for demonstrations and tests; what is there stays.

    Changes neither states nor the ledger: the caller knows the whole story and writes both.
    """
    columns = _columns([result for _, result in minutes])
    with connection.cursor() as cursor:
        slots = as_array(f'"{slot.isoformat()}"' for slot, _ in minutes)
        insert_polls(cursor, OF_MANY_SLOTS, [slots, *columns])


def insert_polls(cursor: CursorWrapper, source: str, parameters: list[Any], more: str = "") -> None:
    """The one INSERT of polls; rows whose key exists are left out.

    source: a SELECT of slot, cage_id, latency_ms, outcome, status, http_status and detail, with its
    parameters. more: SQL behind the statement, such as RETURNING.
    """
    cursor.execute(INSERT_POLLS.format(source=source) + more, parameters)


def _columns(results):
    """Each column of the results as an array, in the order of RESULTS."""
    return [
        as_array(result.cage_id for result in results),
        as_array(result.latency_ms for result in results),
        as_array(result.outcome for result in results),
        as_array(result.status for result in results),
        as_array(result.stored_http_status for result in results),
        as_array(_quoted(result.detail) if result.detail else None for result in results),
    ]


def as_array(values: Iterable[Any]) -> str:
    """The values as a PostgreSQL array literal.

    Lists would reach the database as ARRAY[...], which both sides handle a value at a time.
    """
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _quoted(text):
    # PostgreSQL refuses NUL characters in text.
    escaped = text.replace("\x00", " ").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write_polls(cursor, slot, results):
    columns = _columns(results)
    insert_polls(cursor, OF_ONE_SLOT, [slot, *columns], "RETURNING cages_poll.cage_id")
    return {cage_id for (cage_id,) in cursor.fetchall()}


def _replace_skipped(cursor, slot, results, new):
    real = [
        result
        for result in results
        if result.outcome != Outcome.SKIPPED and result.cage_id not in new
    ]
    if not real:
        return set()
    cursor.execute(REPLACE_SKIPPED, [*_columns(real), slot, Outcome.SKIPPED.value])
    return {cage_id for (cage_id,) in cursor.fetchall()}


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
