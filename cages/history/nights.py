"""The last dark phase of a cage against those before it, counted from the minutes.

Shares are of the known minutes, because phases differ in length and in how much of them is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cages.history.handling import disturbed, margin
from cages.history.light import Runs, dark_phases
from cages.history.summaries import HealthSummary, Share, health_of
from cages.history.window import DAY, Window
from cages.models import Health, Mark
from cages.slots import SLOT_LENGTH

# How many dark phases before the last one make what is usual for a cage.
PHASES_BEFORE = 7
# Fewer say nothing of what is usual.
PHASES_AT_LEAST = 3
# Of the minutes of a phase, in percent. One that less is known of does not count for it.
COVERAGE_AT_LEAST = 50
# They hold the last dark phase and PHASES_BEFORE others, and the beginning of the first one.
LOOKED_BACK = (PHASES_BEFORE + 3) * DAY


@dataclass(frozen=True, slots=True)
class Usual:
    """Range of the share of Bad among the known minutes, over `phases` dark phases."""

    low: Share
    high: Share
    phases: int


@dataclass(frozen=True, slots=True)
class Night:
    """One dark phase. handled: its minutes within `margin` of handling.

    usual: None where fewer than PHASES_AT_LEAST of those before are known well enough, which
    `known_before` counts.
    """

    window: Window
    health: HealthSummary
    handled: int
    usual: Usual | None
    known_before: int

    @property
    def bad(self) -> Share:
        """Bad among the known minutes."""
        return bad_share(self.health)

    @property
    def is_known(self) -> bool:
        """Whether enough is known of it to be compared."""
        return is_known(self.health)

    @property
    def place(self) -> str:
        """ "above", "below" or "within" what is usual; "" where that cannot be said."""
        if self.usual is None or not self.is_known:
            return ""
        share = _ratio(self.bad)
        if share > _ratio(self.usual.high):
            return "above"
        return "below" if share < _ratio(self.usual.low) else "within"


def bad_share(health: HealthSummary) -> Share:
    return Share(health.by_status[Health.BAD], health.known, Health.BAD)


def is_known(health: HealthSummary) -> bool:
    return bool(health.known) and 100 * health.known >= COVERAGE_AT_LEAST * health.minutes


def night_of(
    minutes: bytes, window: Window, runs: Runs, marks: Sequence[Mark] = ()
) -> Night | None:
    """The last dark phase that is over and that the window holds whole; None without one.

    minutes: those of the window, which reaches LOOKED_BACK. runs: they begin with the window or
    before it, and go on after it.
    """
    whole = [
        span
        for span in dark_phases(runs, PHASES_BEFORE + 2)
        if window.start <= span.start and span.end <= window.end
    ]
    if not whole:
        return None
    last, *before = whole[: PHASES_BEFORE + 1]
    healths = [health_of(_part(minutes, window, span)) for span in before]
    shares = sorted((bad_share(one) for one in healths if is_known(one)), key=_ratio)
    usual = None
    if len(shares) >= PHASES_AT_LEAST:
        usual = Usual(shares[0], shares[-1], len(shares))
    handled = sum(disturbed(marks, last, margin()))
    return Night(last, health_of(_part(minutes, window, last)), handled, usual, len(shares))


def _part(minutes: bytes, window: Window, span: Window) -> bytes:
    first = (span.start - window.start) // SLOT_LENGTH
    return minutes[first : first + span.minutes]


def _ratio(share: Share) -> float:
    return share.count / share.total if share.total else 0.0
