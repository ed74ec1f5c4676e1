"""Tells whether two sets of minutes are the same, without moving them out of the database."""

from django.db.backends.utils import CursorWrapper

WITHIN = "slot >= %s AND slot < %s"


def fingerprint(cursor: CursorWrapper, table: str, bounds: tuple[str, str]) -> tuple[int, int]:
    """(number of rows, sum of a hash of each whole row): no change of a row goes unseen.

    bounds: the first slot, and the one after the last, as PostgreSQL reads them. The hash is that
    of the row as text, so compare only what sessions with the same time zone have counted.
    """
    cursor.execute(
        f"""SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)
            FROM {table} AS t WHERE {WITHIN}""",
        bounds,
    )
    return cursor.fetchone()
