"""What a check gives: findings, each with what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is. Only `wrong` keeps Neurocage from its work."""

    OK = "ok"
    # It was not examined, or could not be.
    UNKNOWN = "unknown"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination. todo: what to do, "" where nothing is to be done."""

    level: Level
    part: str
    words: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """part: what is examined. look: yields what it finds, and may take as long as it likes."""

    part: str
    look: Callable[[], Iterator[Finding]]


def ok(part: str, words: str) -> Finding:
    return Finding(Level.OK, part, words)


def unknown(part: str, words: str, todo: str = "") -> Finding:
    return Finding(Level.UNKNOWN, part, words, todo)


def warning(part: str, words: str, todo: str) -> Finding:
    return Finding(Level.WARNING, part, words, todo)


def wrong(part: str, words: str, todo: str) -> Finding:
    return Finding(Level.WRONG, part, words, todo)


# Clocks that differ by more than this are told, and by more than a slot they spoil the ledger.
CLOCK_OFF, CLOCK_WRONG = timedelta(seconds=5), timedelta(seconds=60)


def clock(whose: str, shown: datetime, now: datetime, known_to: timedelta) -> Finding:
    """Compare a clock with that of this machine.

    shown: what it showed about `now`. known_to: how exactly that is known, half of the time that
    the question took and what the answer rounds off.
    """
    off = abs(shown - now)
    ahead = "ahead of" if shown > now else "behind"
    words = f"That of {whose} is {off.total_seconds():.1f} s {ahead} this machine's."
    if off <= CLOCK_OFF + known_to:
        return ok("Clocks", words)
    find = wrong if off > CLOCK_WRONG + known_to else warning
    return find("Clocks", words, "Let both machines take their time from the same NTP servers.")
