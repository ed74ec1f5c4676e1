"""A plain table of times and numbers, for pandas and so for pyActigraphy's BaseRaw."""

from cages.exporting.circadian.clock import Clock
from cages.exporting.circadian.counts import Counts, File
from cages.exporting.files import csv_of


def as_table(counts: Counts, clock: Clock) -> list[File]:
    """[a CSV file with the columns `timestamp` and `value`]. An empty value is a gap."""
    counts.require_known()
    rows = (
        (clock.shows(counts.begin(index)), "" if value is None else value)
        for index, value in enumerate(counts.values)
    )
    return [File(counts.name(clock, ".csv"), csv_of([("timestamp", "value"), *rows]))]
