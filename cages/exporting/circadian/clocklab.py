"""AWD files, as ClockLab describes them ("Text-based ClockLab Data Format", actimetrics.com).

Seven lines of header, then one number a line. A number below 0 is a gap.
"""

from cages.exporting.circadian.clock import Clock
from cages.exporting.circadian.counts import MONTHS, Counts, File

GAP = -1
# The interval is told in quarters of a minute.
QUARTERS_A_MINUTE = 4


def as_clocklab(counts: Counts, clock: Clock) -> list[File]:
    """[the AWD file]. Its first line is the label with the clock; age, id and sex say nothing."""
    counts.require_known()
    shown = clock.shows(counts.start)
    header = [
        f"{counts.label} ({clock.name})",
        f"{shown.day:02d}-{MONTHS[shown.month - 1].lower()}-{shown.year:04d}",
        f"{shown:%H:%M}",
        str(counts.bin_minutes * QUARTERS_A_MINUTE),
        "0",
        "0",
        "U",
    ]
    numbers = [str(GAP if value is None else value) for value in counts.values]
    return [File(counts.name(clock, ".awd"), "\n".join(header + numbers) + "\n")]
