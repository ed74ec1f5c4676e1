"""What a circadian file holds: one number for each bin, or None where it is not known."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np

from cages.exporting.circadian.clock import Clock
from cages.exporting.files import csv_of
from cages.history.window import Window
from cages.models import Health
from cages.rhythm.series import series_of

# In English, as the formats have them, whatever the language of the reader.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A number is the share of known minutes with the chosen health, of this.
WHOLE = 100
MOST_OF_NAME = 60


class RefusedError(Exception):
    """The format cannot hold these counts. Its text says why."""


@dataclass(frozen=True, slots=True)
class File:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of one cage, oldest first.

    start: when the first bin begins. values: 0 to WHOLE, None for a gap: a bin with fewer known
    minutes than LEAST_KNOWN_OF_BIN (cages.rhythm.series).
    """

    label: str
    start: datetime
    bin_minutes: int
    values: tuple[int | None, ...]

    def begin(self, index: int) -> datetime:
        return self.start + timedelta(minutes=index * self.bin_minutes)

    def name(self, clock: Clock, ending: str) -> str:
        """A file name of the label, the first day and the clock, safe on every system."""
        label = re.sub(r"[^\w-]+", "_", self.label).strip("_")[:MOST_OF_NAME] or "cage"
        zone = clock.name.replace(":", "")
        return f"{label}_{clock.shows(self.start):%Y-%m-%d}_{zone}{ending}"

    def gaps(self) -> Iterator[tuple[int, int]]:
        """(first bin, the bin after the last) of each run of bins that are not known."""
        for is_gap, run in groupby(range(len(self.values)), lambda at: self.values[at] is None):
            if is_gap:
                first, *rest = run
                yield first, (rest[-1] if rest else first) + 1

    def require_known(self) -> None:
        """Raise RefusedError if not one bin is known."""
        if all(value is None for value in self.values):
            raise RefusedError("No bin of this window is known.")


def counts_of(
    label: str,
    window: Window,
    minutes: bytes,
    health: Iterable[Health] = (Health.PERFECT,),
    *,
    bin_minutes: int = 1,
) -> Counts:
    """Return how many of 100 known minutes of each bin had one of these healths.

    A number of minutes would be lower where fewer are known, as if the others were 0. With bins of
    one minute a number is 0 or 100. Raises ValueError as `series_of` does.
    """
    shares = series_of(minutes, window, health, bin_minutes=bin_minutes).values
    values = (None if np.isnan(share) else round(float(share) * WHOLE) for share in shares)
    return Counts(label, window.start, bin_minutes, tuple(values))


def gaps_beside(counts: Counts, clock: Clock, name: str) -> list[File]:
    """[the list of gaps to stand beside the file of this name]; [] where there are none."""
    rows = [
        (clock.shows(counts.begin(first)), clock.shows(counts.begin(last)), last - first)
        for first, last in counts.gaps()
    ]
    if not rows:
        return []
    return [File(f"{name}.gaps.csv", csv_of([("begins", "ends", "bins"), *rows]))]
