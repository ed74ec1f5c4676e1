"""Writes minutes of the past, one cage at a time: for demonstrations and benchmarks only."""

from django.db import connection, transaction

INSERT_REQUESTS = """
    INSERT INTO cages_sensorrequest (slot, cage_id, latency_ms, outcome, http_status, detail)
    SELECT slot, %s, latency_ms, outcome, http_status, detail
    FROM unnest(%s::timestamptz[], %s::int[], %s::smallint[], %s::smallint[], %s::text[])
         AS polled (slot, latency_ms, outcome, http_status, detail)
    ON CONFLICT DO NOTHING
"""
INSERT_READINGS = """
    INSERT INTO cages_reading (slot, cage_id, status)
    SELECT slot, %s, status
    FROM unnest(%s::timestamptz[], %s::smallint[]) AS known (slot, status)
    ON CONFLICT DO NOTHING
"""


def write(cage_id, minutes):
    """Write the past of one cage. minutes: (slot, PollResult) pairs; what is there stays.

    Neither the cage's state nor the ledger is touched; the caller knows the whole story.
    """
    known = [(slot, int(result.status)) for slot, result in minutes if result.status is not None]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            INSERT_REQUESTS,
            [
                cage_id,
                [slot for slot, _ in minutes],
                [result.latency_ms for _, result in minutes],
                [int(result.outcome) for _, result in minutes],
                [result.stored_http_status for _, result in minutes],
                [result.detail for _, result in minutes],
            ],
        )
        if known:
            slots, statuses = zip(*known, strict=True)
            cursor.execute(INSERT_READINGS, [cage_id, list(slots), list(statuses)])
