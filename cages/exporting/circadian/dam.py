"""Monitor files of the Drosophila Activity Monitor (TriKinetics), as damr of rethomics reads them.

A line has 42 columns with tabs: number, date, time, status, six of the device (the eighth is the
type of data, the tenth the light), and 32 channels. damr takes only lines of status 1; 51 is what
the device writes while a monitor does not answer. The status is that of the whole line, so a file
holds one cage, in channel 1. The other channels are 0, as those of empty tubes are.
"""

from cages.exporting.circadian.clock import Clock
from cages.exporting.circadian.counts import MONTHS, Counts, File, RefusedError

VALID, NO_ANSWER = 1, 51
CHANNELS = 32
# damr refuses a file in which two valid lines are this far apart, so one is begun after such a gap.
MOST_MINUTES_APART = 60
DAM2_TYPE, DAM5_TYPE = "0", "CT"


def as_dam2(counts: Counts, clock: Clock) -> list[File]:
    """The files of a DAM2 monitor; see `monitor_files`."""
    return monitor_files(counts, clock, DAM2_TYPE)


def as_dam5(counts: Counts, clock: Clock) -> list[File]:
    """The files of a DAM5 monitor, with only the total counts (CT); see `monitor_files`."""
    return monitor_files(counts, clock, DAM5_TYPE)


def monitor_files(counts: Counts, clock: Clock, data_type: str) -> list[File]:
    """One file, or several that follow each other, cut where MOST_MINUTES_APART are not known.

    Every bin is a line of exactly one file. The time of a line is that at which its bin begins.
    Raises RefusedError for bins of an hour, which damr takes for a clock that was set.
    """
    counts.require_known()
    if counts.bin_minutes >= MOST_MINUTES_APART:
        raise RefusedError("Monitor files need bins of less than an hour.")
    parts: list[list[str]] = [[]]
    latest: int | None = None
    for index, value in enumerate(counts.values):
        if value is not None:
            apart = 0 if latest is None else (index - latest) * counts.bin_minutes
            if apart >= MOST_MINUTES_APART:
                parts.append([])
            latest = index
        parts[-1].append(_line(counts, clock, index, data_type))
    return [
        File(counts.name(clock, f"_Monitor{number}.txt"), "".join(lines))
        for number, lines in enumerate(parts, start=1)
    ]


def _line(counts: Counts, clock: Clock, index: int, data_type: str) -> str:
    shown, value = clock.shows(counts.begin(index)), counts.values[index]
    date = f"{shown.day} {MONTHS[shown.month - 1]} {shown:%y}"
    status = NO_ANSWER if value is None else VALID
    device = ["0", "0", "0", data_type, "0", "0"]
    channels = [str(value or 0), *["0"] * (CHANNELS - 1)]
    columns = [str(index + 1), date, f"{shown:%H:%M:%S}", str(status), *device, *channels]
    return "\t".join(columns) + "\n"
