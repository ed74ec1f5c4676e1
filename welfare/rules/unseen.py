"""The rule "Unseen": a cage was asked again and again, and nothing was read.

Only minutes in which it was asked count. After a time in which Neurocage itself did not ask, no
cage is called unseen for that.
"""

from datetime import datetime
from typing import NamedTuple

from cages.models.minute import KNOWN, Minute
from cages.slots import SLOT_LENGTH
from welfare.rules.parameters import Unseen

_KNOWN = [str(code.value) for code in KNOWN]
_NO_ANSWER = str(Minute.NO_ANSWER.value)


class Silence(NamedTuple):
    """How long a cage has been silent up to a slot, this one included.

    unanswered: polls without an answer since the last reading. last: the slot of that reading, or
    None where it is not known.
    """

    unanswered: int
    last: datetime | None


def silence(
    slot: datetime,
    digits: str,
    after: str,
    reading_slot: datetime | None,
    silent_count: int,
) -> Silence:
    """The Silence up to `slot`, from a state that may be newer.

    digits: those of CageState.minutes up to the slot; after: those after it. reading_slot,
    silent_count: as in CageState.
    """
    if reading_slot is None or reading_slot <= slot:
        return Silence(silent_count - after.count(_NO_ANSWER), reading_slot)
    # The last reading is newer than the slot, so only the digits tell.
    last = max(digits.rfind(code) for code in _KNOWN)
    known = slot - (len(digits) - 1 - last) * SLOT_LENGTH if last >= 0 else None
    return Silence(digits.count(_NO_ANSWER, last + 1), known)


def is_unseen(unanswered: int, parameters: Unseen) -> bool:
    """Whether a cage with so many polls without an answer is unseen. One reading ends it."""
    return unanswered >= parameters.after_minutes


def unanswered_in(codes: bytes) -> int:
    """How many polls without an answer there are after the last reading of these minutes."""
    last = max(codes.rfind(code) for code in KNOWN)
    return codes.count(Minute.NO_ANSWER, last + 1)


def needs_eye(since: datetime, slot: datetime, parameters: Unseen) -> bool:
    """Whether nothing was read for so long, since `since`, that somebody has to look by eye."""
    return slot - since >= parameters.by_eye_minutes * SLOT_LENGTH
