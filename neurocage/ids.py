"""Ids that a person chose, beside those that the database gives out."""

from django.db import connection
from django.db.models import Model

# The largest value of PostgreSQL's integer: the ids of the sensor API and of our own tables.
LARGEST_ID = 2_147_483_647
# Some way below what the database can count to, so that it has numbers to give out after it.
LARGEST_TYPED_ID = 2_000_000_000


def id_from(text: str) -> int | None:
    """The id that a person wrote, or None if the text is no id from 0 to LARGEST_ID."""
    # At most ten digits: Python refuses to read thousands of them.
    if not (text.isascii() and text.isdigit() and len(text.lstrip("0")) <= 10):
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None


def advance_ids(model: type[Model]) -> None:
    """Let the database give out ids above the largest one, after an id was chosen by hand.

    The database never goes back: it does not give out the id of a row that was deleted.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT setval(sequence, largest) FROM
                (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence,
                        max(id) AS largest FROM {table}) AS found
            WHERE largest > coalesce(pg_sequence_last_value(sequence), 0)
            """,  # noqa: S608  (the name of our own table)
            [table],
        )
