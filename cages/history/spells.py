"""Spells and silences: for how long a cage has been as it is, from its minutes."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cages.history.minutes import KNOWN, Minute
from cages.models import Health, Spell
from cages.models.state import UNSEEN_AFTER
from cages.slots import SLOT_LENGTH, slot_of

GAP = UNSEEN_AFTER // SLOT_LENGTH


def _pattern(status: Health) -> str:
    """Readings of one health, with unknown minutes and single contrary readings between them."""
    others = "".join(rf"\x{other:02x}" for other in KNOWN if other != status)
    unknown = rf"[^\x{min(KNOWN):02x}-\x{max(KNOWN):02x}]*"
    return rf"\x{status:02x}(?:{unknown}(?:[{others}]{unknown})?\x{status:02x})*"


# Tried at each reading in turn; what follows a spell begins the next one.
_SPELL = re.compile("|".join(_pattern(status) for status in Health).encode(), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Silence:
    """Watched minutes on end without an answer, from the slot `first` on.

    is_ongoing: it has no end, because it still lasts.
    """

    first: datetime
    minutes: int
    is_ongoing: bool = False

    @property
    def duration(self) -> timedelta:
        return self.minutes * SLOT_LENGTH


def spells_in(minutes: bytes, start: datetime) -> list[Spell]:
    """All spells of the minutes (`minutes_of`) from the slot `start` on, oldest first.

    Every reading belongs to one spell. See Spell for what ends one.
    """
    found = [(match.start(), match.end()) for match in _SPELL.finditer(minutes)]
    spells = []
    for place, (first, after) in enumerate(found):
        # After the spell before, and before the spell after, stand no other readings.
        before = found[place - 1][1] - 1 if place else first - GAP
        following = found[place + 1][0] if place + 1 < len(found) else after - 1 + GAP
        status = Health(minutes[first])
        spells.append(
            Spell(
                status,
                start + first * SLOT_LENGTH,
                start + (after - 1) * SLOT_LENGTH,
                same=minutes.count(status, first, after),
                known=sum(minutes.count(code, first, after) for code in KNOWN),
                unanswered=minutes.count(Minute.NO_ANSWER, first, after),
                begins_known=first - before < GAP,
                ends_known=following - (after - 1) < GAP,
            )
        )
    return spells


def bad_spells(minutes: bytes, start: datetime, now: datetime | None = None) -> list[Spell]:
    """All spells of Bad, longest first. The one that lasts at `now` is ongoing."""
    spells = spells_in(minutes, start)
    if spells and now and _reach(minutes, start, now):
        # After a longer silence nobody knows whether it goes on.
        lasts = now - spells[-1].last < UNSEEN_AFTER
        spells[-1] = replace(spells[-1], is_ongoing=lasts)
    bad = [spell for spell in spells if spell.status == Health.BAD]
    return sorted(bad, key=lambda spell: (-spell.minutes, spell.first))


def _reach(minutes: bytes, start: datetime, now: datetime | None) -> bool:
    """Whether the minutes from `start` on reach to `now`."""
    return now is not None and start + len(minutes) * SLOT_LENGTH >= slot_of(now)


def longest_bad(minutes: bytes, start: datetime, now: datetime | None = None) -> Spell | None:
    """The longest spell of Bad, or None. The arguments are those of `bad_spells`."""
    return next(iter(bad_spells(minutes, start, now)), None)


def longest_silence(minutes: bytes, start: datetime, now: datetime | None = None) -> Silence | None:
    """The longest silence of any length, or None."""
    return next(iter(silences_in(minutes, start, 1, now)), None)


def silences_in(
    minutes: bytes, start: datetime, shortest: int = GAP, now: datetime | None = None
) -> list[Silence]:
    """All silences of at least `shortest` minutes, longest first. One may last at `now`."""
    last = len(minutes) if _reach(minutes, start, now) else None
    found = re.finditer(rb"\x%02x{%d,}" % (Minute.NO_ANSWER, shortest), minutes)
    silences = [
        Silence(start + run.start() * SLOT_LENGTH, run.end() - run.start(), run.end() == last)
        for run in found
    ]
    return sorted(silences, key=lambda silence: (-silence.minutes, silence.first))
