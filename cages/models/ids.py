"""Ids that a person chose, beside those that the database gives out."""

from django.core.management.color import no_style
from django.db import connection

# What fits PostgreSQL's integer: the ids that the sensor API and our own tables can know.
LARGEST_ID = 2_147_483_647
# Some way below what the database can count to, so that it has numbers to give out after it.
LARGEST_TYPED_ID = 2_000_000_000


def id_from(text):
    """The id that somebody wrote, as int; None where it is none."""
    # Ten digits at most, as Python refuses to read thousands of them.
    if not (text.isascii() and text.isdigit() and len(text.lstrip("0")) <= 10):
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None


def advance_ids(model):
    """Let the database give out ids above the largest, after one was chosen by hand."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)
