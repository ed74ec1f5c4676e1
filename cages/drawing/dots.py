"""One dot for each cage in a row for each group, as SVG made on the server.

Dots that would lie on each other are moved up and down, so that each can be seen. The line in a
row is the median. Sizes are in the units of the picture's viewBox.
"""

from collections.abc import Sequence

from django.utils.formats import number_format
from django.utils.translation import ngettext

from cages.drawing.rhythms import Named, Picture
from cages.history.groups import GroupPart
from cages.models import Health

WIDTH, MARGIN = 320.0, 22.0
# A row: the name of the group, then the dots.
ROW, NAME, MIDDLE = 68.0, 14.0, 42.0
AXIS = 20.0
RADIUS = 4.5
# The most that dots are moved from the middle of their row. More of them lie on each other.
MOST_RISE = 18.0
# The length of the line at the median.
LINE = 2 * (MOST_RISE + RADIUS)
# Where the axis can end, in percent. It always begins at 0.
ENDS = (1, 2, 5, 10, 20, 50, 100)
TICKS = 4
LONGEST_NAME = 34


def axis_end(parts: Sequence[GroupPart], health: Health) -> int:
    """The end of the axis in percent that all of these shares of the health fit on."""
    figures = [one for part in parts if (one := part.figures[health])]
    most = max((100 * one.highest for one in figures), default=0)
    return next(end for end in ENDS if most <= end or end == ENDS[-1])


def dot_picture(parts: Sequence[GroupPart], health: Health, end: int) -> Picture:
    """A row for each part (of the same minutes). end: where the axis ends, in percent."""
    bottom = len(parts) * ROW
    wide = WIDTH - 2 * MARGIN
    ticks = [
        Named(
            MARGIN + number / TICKS * wide,
            bottom + 14,
            f"{number_format(f'{end * number / TICKS:g}')} %",
        )
        for number in range(TICKS + 1)
    ]
    dots, medians, rows = [], [], []
    for number, part in enumerate(parts):
        top = number * ROW
        rows.append(Named(MARGIN, top + NAME, _name(part)))
        places = [MARGIN + 100 * share / end * wide for share in sorted(part.shares(health))]
        for x, rise in zip(places, _rises(places), strict=True):
            dots.append(_dot(x, top + MIDDLE - rise))
        if found := part.figures[health]:
            x = MARGIN + 100 * found.median / end * wide
            medians.append(f"M{x:.1f} {top + MIDDLE - LINE / 2:g}v{LINE:g}")
    paths = [
        ("grid", "".join(f"M{tick.x:.1f} 0v{bottom:g}" for tick in ticks)),
        ("axis", f"M{MARGIN:g} {bottom:g}h{wide:g}"),
        ("dot", "".join(dots)),
        # Over the dots, which would hide it where there are many.
        ("median", "".join(medians)),
    ]
    shown = [path for path in paths if path[1]]
    return Picture(WIDTH, bottom + AXIS, shown, rows, ticks, _words(parts, health))


def _dot(x: float, y: float) -> str:
    arc = f"a{RADIUS} {RADIUS} 0 1 0"
    return f"M{x - RADIUS:.1f} {y:.1f}{arc} {2 * RADIUS} 0{arc} -{2 * RADIUS} 0z"


def _rises(places: Sequence[float]) -> list[float]:
    """How far each dot is moved up (or down, if negative). places: rising."""
    steps = int(MOST_RISE // RADIUS)
    choices = [0.0, *(sign * step * RADIUS for step in range(1, steps + 1) for sign in (1, -1))]
    # Where each height is free again.
    free = dict.fromkeys(choices, float("-inf"))
    found = []
    for x in places:
        near = 2 * RADIUS
        # A dot also covers half of the heights beside its own.
        fit = (
            rise
            for rise in choices
            if all(x >= free[other] for other in choices if abs(other - rise) < near)
        )
        rise = next(fit, min(choices, key=lambda choice: free[choice]))
        free[rise] = x + near
        found.append(rise)
    return found


def _name(part: GroupPart) -> str:
    name = part.group
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 1]}…"
    return f"{name}, n = {len(part.cages)}"


def _words(parts: Sequence[GroupPart], health: Health) -> str:
    """What the picture shows, for those who do not see it."""
    cages = sum(len(part.cages) for part in parts)
    told = ngettext(
        "Share of %(health)s, a dot for %(count)d cage. The table has the numbers.",
        "Share of %(health)s, a dot for each of %(count)d cages. The table has the numbers.",
        cages,
    )
    return told % {"health": health.label, "count": cages}
