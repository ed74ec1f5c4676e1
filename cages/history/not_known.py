"""Why a minute of a cage is not known.

A poll tells it itself. Where there is none, the cage's events and the ledger do.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from django.contrib.postgres.aggregates import ArrayAgg

from cages.history.minutes import MINUTE_NUMBER, minute_number
from cages.history.window import Window
from cages.models import CageEvent, EventKind, Outcome, PollCycle
from cages.slots import SLOT_LENGTH


class Why(StrEnum):
    """The words in exports. A minute that is known has none."""

    UNANSWERED = "unanswered"
    SKIPPED = "skipped"
    BEFORE_CAGE = "before_cage"
    ARCHIVED = "archived"
    PAUSED = "paused"
    OUTAGE = "outage"
    NO_RECORD = "no_record"


# {what an event begins or ends: (Why, whether it begins)}
SWITCHES = {
    EventKind.PAUSED: (Why.PAUSED, True),
    EventKind.RESUMED: (Why.PAUSED, False),
    EventKind.ARCHIVED: (Why.ARCHIVED, True),
    EventKind.RESTORED: (Why.ARCHIVED, False),
}
OF_OUTCOMES = {
    int(outcome): None
    if outcome == Outcome.ANSWERED
    else (Why.SKIPPED if outcome == Outcome.SKIPPED else Why.UNANSWERED).value
    for outcome in Outcome
}
Spans = list[tuple[Why, datetime, datetime]]


def spans_without_polls(cage_ids: Iterable[int], window: Window) -> dict[int, Spans]:
    """{cage id: (Why, begin, end) of its pauses and of its time in the archive}; one query."""
    cages = list(cage_ids)
    found: dict[int, Spans] = {cage_id: [] for cage_id in cages}
    open_since: dict[tuple[int, Why], datetime] = {}
    events = CageEvent.objects.filter(cage__in=cages, kind__in=SWITCHES, at__lt=window.end)
    seen: set[tuple[int, Why]] = set()
    for cage_id, kind, at in events.order_by("at", "id").values_list("cage_id", "kind", "at"):
        why, begins = SWITCHES[EventKind(kind)]
        key = (cage_id, why)
        if begins:
            open_since.setdefault(key, at)
        elif key in open_since:
            found[cage_id].append((why, open_since.pop(key), at))
        elif key not in seen:
            # It was paused when it was made, of which there is no event.
            found[cage_id].append((why, window.start, at))
        seen.add(key)
    for (cage_id, why), since in open_since.items():
        found[cage_id].append((why, since, window.end))
    return found


class Cycles:
    """Which slots of a window have a cycle. Read in steps, when they are first asked for."""

    def __init__(self, window: Window, step_minutes: int) -> None:
        self._window = window
        self._step = step_minutes
        self._there = bytearray(window.minutes)
        self._read: set[int] = set()

    def there(self, part: Window) -> bytes:
        """One byte for each slot of the part: 1 if it has a cycle. One query for each new step."""
        begin = (part.start - self._window.start) // SLOT_LENGTH
        end = begin + part.minutes
        for step in range(begin // self._step, -(-end // self._step)):
            if step not in self._read:
                self._read.add(step)
                self._read_step(step * self._step)
        return bytes(self._there[begin:end])

    def _read_step(self, begin: int) -> None:
        start = self._window.start + begin * SLOT_LENGTH
        end = min(start + self._step * SLOT_LENGTH, self._window.end)
        cycles = PollCycle.objects.filter(slot__gte=start, slot__lt=end).order_by()
        first = minute_number(self._window.start)
        for number in cycles.aggregate(all=ArrayAgg(MINUTE_NUMBER, default=[]))["all"]:
            self._there[number - first] = 1


def whys_without_polls(
    created_at: datetime, spans: Spans, cycles: bytes, part: Window
) -> list[str | None]:
    """Why each slot of the part would have no poll. Spans: those of the cage.

    What is said of the cage comes before what is said of Neurocage: before the cage, archived,
    paused, outage. NO_RECORD: none of them, so a cycle ran without this cage, or its poll has been
    removed or is still to be recorded.
    """
    found: list[str | None] = [
        Why.NO_RECORD.value if is_there else Why.OUTAGE.value for is_there in cycles
    ]
    before = (Why.BEFORE_CAGE, part.start, created_at)
    for least in (Why.PAUSED, Why.ARCHIVED, Why.BEFORE_CAGE):
        for why, begin, end in (*spans, before):
            if why == least:
                # A slot counts as what it was when it began.
                first = max(-((part.start - begin) // SLOT_LENGTH), 0)
                last = min(-((part.start - end) // SLOT_LENGTH), part.minutes)
                if first < last:
                    found[first:last] = [why.value] * (last - first)
    return found
