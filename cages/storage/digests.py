"""The digests of minutes and of noted changes, made by the database where the rows are.

The form of a poll's line is fixed for good: every digest that was made depends on it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from cages.storage.rollups import POLLS

DAY = timedelta(days=1)
# Bytes of an hour's digest that are kept, to find it again.
HOUR_BYTES = 4

# A cage's polls of each hour, then of the day. Nothing and 0 differ, and the length of the detail
# stands before it, so that no two polls have the same line.
OF_CAGES = f"""
    SELECT cage_id, sum(polls)::int AS polls,
           sha256(string_agg(number || digest, ''::bytea ORDER BY hour)) AS digest,
           string_agg(number || substr(digest, 1, {HOUR_BYTES}), ''::bytea ORDER BY hour) AS hours
    FROM (
        SELECT cage_id, hour, set_byte('\\x00'::bytea, 0, hour) AS number, count(*) AS polls,
               sha256(convert_to(string_agg(line, E'\\n' ORDER BY slot), 'UTF8')) AS digest
        FROM (
            SELECT cage_id, slot, extract(hour FROM slot AT TIME ZONE 'UTC')::int AS hour,
                   concat(extract(epoch FROM slot)::bigint, ' ', outcome, ' ', status, ' ',
                          latency_ms, ' ', http_status, ' ', length(detail), ':', detail) AS line
            FROM {POLLS}
            WHERE slot >= %(start)s AND slot < %(end)s AND cage_id BETWEEN %(first)s AND %(last)s
        ) AS lines
        GROUP BY cage_id, hour
    ) AS hours
    GROUP BY cage_id
"""
KEEP = f"""
    INSERT INTO cages_cagedigest (day, cage_id, polls, digest, hours)
    SELECT %(day)s, cage_id, polls, digest, hours FROM ({OF_CAGES}) AS found
    ON CONFLICT DO NOTHING
"""
COMPARE = f"""
    SELECT cage_id, kept.polls, found.polls, kept.digest, kept.hours, found.hours
    FROM (SELECT * FROM cages_cagedigest
          WHERE day = %(day)s AND cage_id BETWEEN %(first)s AND %(last)s) AS kept
    FULL JOIN ({OF_CAGES}) AS found USING (cage_id)
    WHERE kept.digest IS DISTINCT FROM found.digest OR kept.polls <> found.polls
        OR kept.hours <> found.hours
    ORDER BY cage_id
    LIMIT %(most)s
"""
OF_DAY = """
    SELECT count(*), coalesce(sum(polls), 0)::bigint,
           encode(sha256(coalesce(
               string_agg(int4send(cage_id) || digest || hours, ''::bytea ORDER BY cage_id), ''
           )), 'hex')
    FROM cages_cagedigest WHERE day = %(day)s
"""
OF_CHANGES = """
    SELECT count(*), encode(sha256(convert_to(coalesce(string_agg(jsonb_build_array(
               id, extract(epoch FROM at), verb, "table", "row", words, before, after, person_id,
               by, address, request, through, role, reason
           )::text, E'\\n' ORDER BY id), ''), 'UTF8')), 'hex')
    FROM people_change WHERE at >= %(start)s AND at < %(end)s
"""
# A poll that changes after its day was closed is noted as any other change is. Only a result that
# arrives so late does that. It runs as its owner, because nobody else may write there.
NOTE_LATE = f"""
    CREATE OR REPLACE FUNCTION cages_note_late_poll() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' AS $function$
    DECLARE
        given text := current_setting('neurocage.acting', true);
        told jsonb := coalesce(nullif(given, ''), '{{}}')::jsonb;
    BEGIN
        IF EXISTS (SELECT FROM cages_cagedigest
                   WHERE day = (OLD.slot AT TIME ZONE 'UTC')::date AND cage_id = OLD.cage_id) THEN
            INSERT INTO people_change (
                at, verb, "table", "row", words, before, after,
                person_id, by, address, request, through, role, reason
            ) VALUES (
                clock_timestamp(), 'changed', '{POLLS}', OLD.cage_id, OLD.slot::text,
                to_jsonb(OLD), to_jsonb(NEW), (told ->> 'person_id')::int,
                left(coalesce(told ->> 'by', ''), 200), left(coalesce(told ->> 'address', ''), 64),
                left(coalesce(told ->> 'request', ''), 64),
                left(coalesce(told ->> 'through', ''), 200), session_user,
                left(coalesce(told ->> 'reason', ''), 500)
            );
        END IF;
        RETURN NULL;
    END
    $function$;
    DO $do$ BEGIN
        EXECUTE format(
            'ALTER FUNCTION cages_note_late_poll() SET search_path = pg_catalog, %I, pg_temp',
            current_schema()
        );
    END $do$;
    REVOKE EXECUTE ON FUNCTION cages_note_late_poll() FROM PUBLIC
"""
# TimescaleDB knows no CREATE OR REPLACE of them.
TRIGGER = f"""
    CREATE TRIGGER cages_note_late_poll AFTER UPDATE ON {POLLS} FOR EACH ROW
    EXECUTE FUNCTION cages_note_late_poll()
"""


@dataclass(frozen=True, slots=True)
class Different:
    """A cage whose polls of a day are not those of its digest. None where there is no such side."""

    cage_id: int
    polls_kept: int | None
    polls_found: int | None
    digest: bytes | None
    hours_kept: bytes | None
    hours_found: bytes | None

    @property
    def first_hour(self) -> int | None:
        """The first hour (UTC) that differs; None where no hour of it does."""
        kept, found = _by_hour(self.hours_kept), _by_hour(self.hours_found)
        return next((h for h in range(24) if kept.get(h) != found.get(h)), None)


def note_late_polls(cursor: CursorWrapper) -> None:
    """Let the database note when a poll of a closed day changes. Harmless when repeated."""
    cursor.execute("SELECT to_regclass('cages_cagedigest') IS NOT NULL")
    if cursor.fetchone()[0]:
        cursor.execute(NOTE_LATE)
        cursor.execute(
            "SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgname = %s",
            [POLLS, "cages_note_late_poll"],
        )
        if cursor.fetchone() is None:
            cursor.execute(TRIGGER)


def keep(connection: BaseDatabaseWrapper, day: date, first: int, last: int) -> None:
    """Keep the digests of the cages with ids from first to last, both included."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, _span(day, first, last))


def compare(
    connection: BaseDatabaseWrapper, day: date, first: int, last: int, most: int
) -> list[Different]:
    """The cages among these whose polls are others than when the day was closed, most at most."""
    with connection.cursor() as cursor:
        cursor.execute(COMPARE, {**_span(day, first, last), "most": most})
        return [
            Different(row[0], row[1], row[2], *(side and bytes(side) for side in row[3:]))
            for row in cursor.fetchall()
        ]


def of_day(connection: BaseDatabaseWrapper, day: date) -> tuple[int, int, str]:
    """(number of cages, number of polls, digest) of the digests that are kept of the day."""
    return _one(connection, OF_DAY, day)


def of_changes(connection: BaseDatabaseWrapper, day: date) -> tuple[int, str]:
    """(number of changes, digest) of what was noted on the day."""
    return _one(connection, OF_CHANGES, day)


def digest_of(polls: list[dict[str, Any]]) -> bytes:
    """The digest of a cage's polls of one day, as the database makes it."""
    hours: dict[int, list[str]] = {}
    for poll in sorted(polls, key=lambda poll: poll["slot"]):
        detail = poll["detail"]
        shown = ["" if poll[n] is None else str(poll[n]) for n in ("status", "latency_ms")]
        http = "" if poll["http_status"] is None else str(poll["http_status"])
        length = "" if detail is None else len(detail)
        line = f"{int(poll['slot'].timestamp())} {poll['outcome']} {shown[0]} {shown[1]} {http} "
        hour = poll["slot"].astimezone(UTC).hour
        hours.setdefault(hour, []).append(f"{line}{length}:{detail or ''}")
    parts = (bytes([h]) + sha256("\n".join(hours[h]).encode()).digest() for h in sorted(hours))
    return sha256(b"".join(parts)).digest()


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """(begin, end) of the UTC day."""
    start = datetime.combine(day, time(), UTC)
    return start, start + DAY


def _by_hour(hours: bytes | None) -> dict[int, bytes]:
    step, hours = 1 + HOUR_BYTES, hours or b""
    return {hours[at]: hours[at + 1 : at + step] for at in range(0, len(hours), step)}


def _span(day: date, first: int, last: int) -> dict[str, Any]:
    start, end = bounds_of(day)
    return {"day": day, "start": start, "end": end, "first": first, "last": last}


def _one(connection: BaseDatabaseWrapper, query: str, day: date) -> Any:
    start, end = bounds_of(day)
    with connection.cursor() as cursor:
        cursor.execute(query, {"day": day, "start": start, "end": end})
        return cursor.fetchone()
