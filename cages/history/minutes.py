"""The minutes of cages, one byte each: what strips, spells and shares are made of."""

from datetime import UTC

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import F, IntegerField, Value
from django.db.models.functions import Cast, Extract

from cages.models import Outcome, Reading, SensorRequest
from cages.models.minute import KNOWN, WATCHED, Minute

__all__ = ["KNOWN", "WATCHED", "Minute", "minutes_of"]
CODE_BITS = 3
CODE_MASK = 2**CODE_BITS - 1
# In SQL: how many minutes after 1970 a row's slot is.
MINUTE_NUMBER = Cast(Extract("slot", "epoch", tzinfo=UTC) / 60, IntegerField())


def minutes_of(cage_ids, window):
    """{cage id: one Minute per slot of the window, oldest first, as bytes}; one query.

    A skipped poll was planned and not asked: a minute that Neurocage did not watch.
    """
    codes = {cage_id: bytearray(window.minutes) for cage_id in cage_ids}
    within = {"cage__in": list(codes), "slot__gte": window.start, "slot__lt": window.end}
    asked = SensorRequest.objects.filter(**within).exclude(outcome=Outcome.SKIPPED)
    known = Reading.objects.filter(**within)
    no_answer = Value(Minute.NO_ANSWER, output_field=IntegerField())
    rows = _packed(asked, no_answer).union(_packed(known, F("status")), all=True)
    first = int(window.start.timestamp()) // 60
    for cage_id, packed in rows:
        minutes = codes[cage_id]
        for value in packed:
            number, code = (value >> CODE_BITS) - first, value & CODE_MASK
            # A known minute has a row in each of the two, in any order.
            if code != Minute.NO_ANSWER or not minutes[number]:
                minutes[number] = code
    return {cage_id: bytes(minutes) for cage_id, minutes in codes.items()}


def _packed(rows, code):
    """(cage id, [minutes since 1970 and the code in one number]): a tenth of the time of rows."""
    packed = MINUTE_NUMBER * 2**CODE_BITS + code
    by_cage = rows.order_by().values("cage_id")
    return by_cage.annotate(packed=ArrayAgg(packed)).values_list("cage_id", "packed")
