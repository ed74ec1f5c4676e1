"""Ids that a person chose, beside those that the database gives out."""

from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model

# The largest value of PostgreSQL's integer: the ids of the sensor API and of our own tables.
LARGEST_ID = 2_147_483_647


def id_from(text: str) -> int | None:
    """The id that a person wrote, or None if the text is no id from 0 to LARGEST_ID."""
    # At most ten digits: Python refuses to read thousands of them.
    if not (text.isascii() and text.isdigit() and len(text.lstrip("0")) <= 10):
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None


def advance_ids(model: type[Model]) -> None:
    """Let the database give out ids above the largest one, after an id was chosen by hand."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)
