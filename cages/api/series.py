"""Minutes and hours of some cages, in the order of (cage id, time), from a given key on."""

import heapq
from itertools import groupby

from cages.models import ReadingHourly, SensorRequestHourly


def after(key, rows, time, cage_ids, query, limit):
    """The first rows behind the key (cage id, moment), or from the start; one query.

    rows: a queryset with `cage` and the field named `time`. One row more than the limit, where
    there are so many.
    """
    parts = []
    for cage_id in cage_ids:
        if key and cage_id < key[0]:
            continue
        part = rows.filter(cage=cage_id, **{f"{time}__gte": query.from_, f"{time}__lt": query.to})
        if key and cage_id == key[0]:
            part = part.filter(**{f"{time}__gt": key[1]})
        parts.append(part.order_by(time)[: limit + 1])
    if not parts:
        return []
    # Each cage's rows come in order out of the key's index, and no more of them than a page takes;
    # of years of several cages asked for at once, the database would sort all.
    if len(parts) == 1:
        return list(parts[0])
    return list(parts[0].union(*parts[1:], all=True).order_by("cage_id", time)[: limit + 1])


def hours_after(key, cage_ids, query, limit):
    """[((cage id, hour), [its roll-ups])] as `after` gives it; two queries."""
    parts = [
        after(key, model.objects.all(), "bucket", cage_ids, query, limit)
        for model in (ReadingHourly, SensorRequestHourly)
    ]
    merged = groupby(heapq.merge(*parts, key=hour_of), key=hour_of)
    return [(hour, list(rows)) for hour, rows in merged][: limit + 1]


def hour_of(row):
    return row.cage_id, row.bucket
