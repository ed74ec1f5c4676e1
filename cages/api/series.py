"""Minutes and hours of some cages, in the order of (cage id, time), from a given key on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from cages.api.parameters import SeriesQuery


def after(
    key: tuple[int, datetime] | None,
    rows: QuerySet,
    time: str,
    cage_ids: Iterable[int],
    query: SeriesQuery,
) -> list[Any]:
    """The first rows after the key (cage id, moment), or from the start; one query.

    rows: a queryset with `cage` and the field named `time`. One row more than the query's limit,
    where there are more.
    """
    parts, most = [], query.limit + 1
    for cage_id in cage_ids:
        if key and cage_id < key[0]:
            continue
        part = rows.filter(cage=cage_id, **{f"{time}__gte": query.from_, f"{time}__lt": query.to})
        if key and cage_id == key[0]:
            part = part.filter(**{f"{time}__gt": key[1]})
        parts.append(part.order_by(time)[:most])
    if not parts:
        return []
    # Each cage's rows come in order out of the key's index, and no more of them than a page takes;
    # in one query for years of several cages the database would sort all rows.
    if len(parts) == 1:
        return list(parts[0])
    return list(parts[0].union(*parts[1:], all=True).order_by("cage_id", time)[:most])
