"""What is known of one cage in one slot, and for how long its health has been the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from cages.models.poll import Health, Outcome
from cages.slots import SLOT_LENGTH


class Minute(IntEnum):
    """The code of one minute. The known ones have the numbers of Health."""

    NOT_WATCHED = 0
    BAD = Health.BAD
    OK = Health.OK
    PERFECT = Health.PERFECT
    NO_ANSWER = 4
    # Planned, but not asked in time. Pages and `minutes_of` count it as not watched.
    SKIPPED = 5

    @classmethod
    def of(cls, outcome: Outcome, status: Health | None) -> "Minute":
        """The code of a poll that ended with this outcome."""
        if status is not None:
            return cls(status)
        return cls.SKIPPED if outcome == Outcome.SKIPPED else cls.NO_ANSWER


KNOWN = (Minute.BAD, Minute.OK, Minute.PERFECT)


@dataclass(frozen=True, slots=True)
class Spell:
    """A run of readings with one health, from the slot `first` to the slot `last`.

    A single contrary reading between two same ones belongs to it: sensors misread. Minutes that
    are not known do not end it, however many they are.

    `same` of the `known` readings say `status`; `unanswered` minutes were asked without an answer.
    begins_known: the reading before it is less than UNSEEN_AFTER older, so it did not begin
    earlier than that. ends_known: the same of the reading after it. is_ongoing: it has no end,
    because it still lasts.
    """

    status: Health
    first: datetime
    last: datetime
    same: int
    known: int
    unanswered: int
    begins_known: bool = False
    ends_known: bool = False
    is_ongoing: bool = False

    @property
    def minutes(self) -> int:
        """How many slots lie in it, `first` and `last` included."""
        return (self.last - self.first) // SLOT_LENGTH + 1

    @property
    def duration(self) -> timedelta:
        return self.minutes * SLOT_LENGTH

    @property
    def not_watched(self) -> int:
        return self.minutes - self.known - self.unanswered
