"""The minutes of cages, one byte each: what strips, spells and shares are made of."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, F, Func, IntegerField, Value, When

from cages.history.window import Window
from cages.models import Outcome, Poll
from cages.models.minute import KNOWN, Minute

__all__ = ["KNOWN", "Minute", "minutes_of"]
CODE_BITS = 3
CODE_MASK = 2**CODE_BITS - 1


# `minute_number` in SQL. EXTRACT gives a numeric, which takes longer to divide.
MINUTE_NUMBER = Func(
    "slot",
    template="(date_part('epoch', %(expressions)s)::bigint / 60)",
    output_field=IntegerField(),
)
CODE = Case(
    When(outcome=Outcome.ANSWERED, then=F("status")),
    When(outcome=Outcome.SKIPPED, then=Value(Minute.NOT_WATCHED)),
    default=Value(Minute.NO_ANSWER),
    output_field=IntegerField(),
)


def minutes_of(cage_ids: Iterable[int], window: Window) -> dict[int, bytes]:
    """{cage id: one Minute per slot of the window, oldest first}; one query."""
    codes = {cage_id: bytearray(window.minutes) for cage_id in cage_ids}
    polls = Poll.objects.within(codes, window).order_by().values("cage_id")
    # One number for each minute takes a tenth of the time of rows.
    rows = polls.annotate(packed=ArrayAgg(MINUTE_NUMBER * 2**CODE_BITS + CODE))
    first = minute_number(window.start)
    for cage_id, packed in rows.values_list("cage_id", "packed"):
        minutes = codes[cage_id]
        for value in packed:
            minutes[(value >> CODE_BITS) - first] = value & CODE_MASK
    return {cage_id: bytes(minutes) for cage_id, minutes in codes.items()}


def minute_number(slot: datetime) -> int:
    """How many minutes after 1970 a slot is."""
    return int(slot.timestamp()) // 60
