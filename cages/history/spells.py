"""Spells: for how long a cage has been as it is, told from its minutes."""

from dataclasses import dataclass
from itertools import groupby

from cages.history.minutes import KNOWN, Minute
from cages.models import Health
from cages.models.state import UNSEEN_AFTER
from cages.slots import SLOT_LENGTH

GAP = UNSEEN_AFTER // SLOT_LENGTH


@dataclass(frozen=True, slots=True)
class Spell:
    """`same` of `known` readings from minute `first` to minute `last` say `status`."""

    status: Health
    first: int
    last: int
    same: int
    known: int

    @property
    def minutes(self):
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Silence:
    """Watched minutes on end without an answer, from minute `first` on."""

    first: int
    minutes: int


def spells_in(minutes):
    """All spells, oldest first.

    A single contrary reading between two same ones does not end a spell: sensors misread. Not to
    be seen for UNSEEN_AFTER does.
    """
    known = [(number, code) for number, code in enumerate(minutes) if code in KNOWN]
    spells = []
    place = 0
    while place < len(known):
        first, code = known[place]
        last, same, count = first, 1, 1
        place += 1
        while place < len(known) and known[place][0] - last < GAP:
            if known[place][1] == code:
                step = 1
            elif place + 1 < len(known) and known[place + 1][1] == code:
                step = 2
            else:
                break
            number = known[place + step - 1][0]
            if number - last >= GAP:
                break
            last, same, count = number, same + 1, count + step
            place += step
        spells.append(Spell(Health(code), first, last, same, count))
    return spells


def current_spell(minutes):
    """The spell that lasts, or None where nothing was read for UNSEEN_AFTER."""
    spells = spells_in(minutes)
    return spells[-1] if spells and len(minutes) - spells[-1].last <= GAP else None


def longest_bad(minutes):
    """The longest spell of Bad, or None."""
    return next(iter(bad_spells(minutes)), None)


def longest_silence(minutes):
    """The longest Silence, or None. A minute that was not watched is none, and ends one."""
    return max(_silences(minutes), key=lambda silence: silence.minutes, default=None)


def bad_spells(minutes):
    """All spells of Bad, longest first."""
    bad = [spell for spell in spells_in(minutes) if spell.status == Health.BAD]
    return sorted(bad, key=lambda spell: (-spell.minutes, spell.first))


def silences_in(minutes):
    """All Silences of GAP minutes or more, longest first."""
    long = [silence for silence in _silences(minutes) if silence.minutes >= GAP]
    return sorted(long, key=lambda silence: (-silence.minutes, silence.first))


def _silences(minutes):
    first = 0
    for code, run in groupby(minutes):
        length = len(list(run))
        if code == Minute.NO_ANSWER:
            yield Silence(first, length)
        first += length
