"""Files that programs for circadian rhythms open as they are (docs/circadian.md).

A gap is never written as 0. Where a format cannot tell one, a list of the gaps stands beside it.
"""

from collections.abc import Callable

from cages.exporting.circadian.actogramj import as_actogramj
from cages.exporting.circadian.clock import Clock
from cages.exporting.circadian.clocklab import as_clocklab
from cages.exporting.circadian.counts import Counts, File, RefusedError, counts_of
from cages.exporting.circadian.dam import as_dam2, as_dam5
from cages.exporting.circadian.table import as_table

# {name in addresses: what writes it}. Each raises RefusedError where the format cannot hold it.
FORMATS: dict[str, Callable[[Counts, Clock], list[File]]] = {
    "actogramj": as_actogramj,
    "clocklab": as_clocklab,
    "dam2": as_dam2,
    "dam5": as_dam5,
    "table": as_table,
}

__all__ = ["FORMATS", "Clock", "Counts", "File", "RefusedError", "counts_of"]
