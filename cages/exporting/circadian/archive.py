"""The circadian files of several cages in one zip, made cage by cage."""

import zipfile
from collections.abc import Callable, Iterable
from datetime import datetime

from cages.exporting.circadian import FORMATS, Clock, RefusedError, counts_of
from cages.exporting.files import Pieces, Pipe
from cages.history.light import days_by_zt, light_of
from cages.history.minutes import minute_number, minutes_of
from cages.history.window import DAY, Window
from cages.models import Health
from cages.slots import SLOT_LENGTH

# In minutes.
USUAL_BIN = 10
# The clock of the files of a cage (its id) in a Window. It raises RefusedError where there is none.
ClockOf = Callable[[int, Window], Clock]


def zeitgeber_of(cage_id: int, window: Window) -> Clock:
    """Zeitgeber time of a cage in the window; two queries.

    The clock of a file is never set. So RefusedError is raised where lights on are not every 24
    hours, or a part of the window has no ZT.
    """
    days = days_by_zt(light_of([cage_id], window)[cage_id], window)
    if sum(day.window.minutes for day in days) < window.minutes:
        raise RefusedError(
            "A part of this window has no zeitgeber time: its light is constant or not known."
        )
    if any((day.lights_on - days[0].lights_on) % DAY for day in days):
        raise RefusedError(
            "The time of lights on moves within this window, as the clock was set or the schedule "
            "changed. Choose days before or after that, or standard time."
        )
    return Clock.zeitgeber(days[0].lights_on)


def as_archive(
    cages: Iterable[tuple[int, str, datetime]],
    window: Window,
    clock_of: ClockOf,
    format: str,
    health: Iterable[Health],
    bin_minutes: int,
) -> Pieces:
    """Yield the pieces of a zip. format: a key of FORMATS. One query and a clock for each cage.

    A cage whose file is refused has a text that says why. Names begin with the id of the cage.
    """
    pipe, health = Pipe(), tuple(health)
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for cage_id, label, created_at in cages:
            part = _whole_bins(window.since(created_at), bin_minutes)
            try:
                if not part.minutes:
                    raise RefusedError("No bin of this window is known.")
                clock = clock_of(cage_id, part)
                minutes = minutes_of([cage_id], part)[cage_id]
                counts = counts_of(label, part, minutes, health, bin_minutes=bin_minutes)
                for file in FORMATS[format](counts, clock):
                    archive.writestr(f"{cage_id}_{file.name}", file.text)
            except RefusedError as refused:
                archive.writestr(f"{cage_id}_refused.txt", f"{label}: {refused}\n")
            yield pipe.taken()
    yield pipe.taken()


def _whole_bins(window: Window, bin_minutes: int) -> Window:
    """The window from its first full bin on, so that all cages have the same bins."""
    late = -minute_number(window.start) % bin_minutes
    return Window(min(window.start + late * SLOT_LENGTH, window.end), window.end)
