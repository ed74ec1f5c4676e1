"""Text for ActogramJ (Schmid, Helfrich-Förster and Yoshii 2011, J. Biol. Rhythms 26:464).

Its reader skips as many lines and columns as it is told, takes one sample from each line with
Java's Float.parseFloat, and knows no gaps. "NaN" is a number to it that stays unknown in every sum.
"""

from cages.exporting.circadian.clock import Clock
from cages.exporting.circadian.counts import Counts, File, gaps_beside


def as_actogramj(counts: Counts, clock: Clock) -> list[File]:
    """[the text, and the list of its gaps if it has any].

    Columns, with tabs: date, time, value. One header line. Read it from line 2 and column 3, with
    1440 / bin_minutes samples a day.
    """
    counts.require_known()
    lines = [f"date\ttime {clock.name}\t{counts.label}"]
    for index, value in enumerate(counts.values):
        shown = clock.shows(counts.begin(index))
        lines.append(f"{shown:%Y-%m-%d\t%H:%M}\t{'NaN' if value is None else value}")
    name = counts.name(clock, ".txt")
    return [File(name, "\n".join(lines) + "\n"), *gaps_beside(counts, clock, name)]
