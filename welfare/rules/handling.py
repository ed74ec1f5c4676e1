"""While people are at work on a cage, its rules wait. This is the only home of how long.

"Bad for long" waits from the slot after the mark was noted until the margin after its end, because
the traces of handling last so long in the readings. Without the margin it would hardly ever wait:
most marks are noted when the work is done. There is no margin before a mark, as nobody knows of it
then. "Unseen" waits only inside the mark. Handling leaves no traces in whether a sensor answers,
and one that was left unplugged has to be found.

A mark counts from when it was noted until it was withdrawn. So what was judged stays as it was, and
a replay of stored minutes gives the same concerns. Only a correction changes what a replay says.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from cages.history.handling import Noted, margin, mask_of, noted_handling
from cages.history.window import Window
from cages.slots import SLOT_LENGTH, slot_of

Span = tuple[datetime, datetime]


class Waiting:
    """In which slots the rules of which cages wait."""

    def __init__(self, marks: Mapping[int, Sequence[Noted]]) -> None:
        """marks: as `noted_handling` gives them."""
        self._marks = marks

    def mask(self, cage_id: int, window: Window) -> bytes:
        """One byte for each slot: 1 where "Bad for long" does not begin. Empty: it can in all."""
        if cage_id not in self._marks:
            return b""
        return mask_of(_spans(self._marks[cage_id], margin()), window)

    def is_inside(self, cage_id: int, slot: datetime) -> bool:
        """Whether the slot lies inside a handling mark of the cage, so that "Unseen" waits."""
        marks = self._marks.get(cage_id, ())
        return any(first <= slot <= last for first, last in _spans(marks, timedelta()))

    def __bool__(self) -> bool:
        return bool(self._marks)


def waiting(window: Window, cage_ids: Collection[int] | None = None) -> Waiting:
    """The Waiting of these cages, or of all, in the window. Two queries at most."""
    return Waiting(noted_handling(window, margin(), cage_ids))


def _spans(marks: Iterable[Noted], after: timedelta) -> Iterator[Span]:
    """(first slot, last slot) in which rules wait, of each mark and for so long after its end."""
    for mark in marks:
        first = max(slot_of(mark.starts_at), slot_of(mark.noted_at) + SLOT_LENGTH)
        last = slot_of(mark.ends_at) + after
        if mark.withdrawn_at:
            last = min(last, slot_of(mark.withdrawn_at))
        yield first, last
