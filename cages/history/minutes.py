"""The minutes of cages, one byte each: what strips, spells and shares are made of."""

from enum import IntEnum

from django.db.models import SmallIntegerField, Value

from cages.models import Health, Outcome, Reading, SensorRequest
from cages.slots import SLOT_LENGTH


class Minute(IntEnum):
    """What is known of one cage in one slot. The known ones are numbered as Health is."""

    NOT_WATCHED = 0
    BAD = Health.BAD
    OK = Health.OK
    PERFECT = Health.PERFECT
    NO_ANSWER = 4


KNOWN = (Minute.BAD, Minute.OK, Minute.PERFECT)


def minutes_of(cage_ids, window):
    """{cage id: one Minute per slot of the window, oldest first, as bytes}; one query.

    A skipped poll was planned and not asked: a minute that Neurocage did not watch.
    """
    codes = {cage_id: bytearray(window.minutes) for cage_id in cage_ids}
    within = {"cage__in": list(codes), "slot__gte": window.start, "slot__lt": window.end}
    asked = SensorRequest.objects.filter(**within).exclude(outcome=Outcome.SKIPPED)
    no_answer = Value(Minute.NO_ANSWER, output_field=SmallIntegerField())
    rows = asked.annotate(code=no_answer).values_list("cage_id", "slot", "code")
    known = Reading.objects.filter(**within).values_list("cage_id", "slot", "status")
    for cage_id, slot, code in rows.union(known, all=True):
        minutes, number = codes[cage_id], (slot - window.start) // SLOT_LENGTH
        # A known minute has a row in each of the two, in any order.
        if code != Minute.NO_ANSWER or not minutes[number]:
            minutes[number] = code
    return {cage_id: bytes(minutes) for cage_id, minutes in codes.items()}
