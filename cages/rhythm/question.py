"""What is asked of a rhythm page: of which signal, and along which axis."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.models import Health
from cages.rhythm.actogram import LEAST_TAU, MOST_TAU

# The bins that a page offers, in minutes. Shorter ones take seconds of CPU and show no more.
BINS = (5, 10, 15, 30, 60)
DEFAULT_BIN = 10
# More days than this are cut to the last ones.
MOST_DAYS = 90
# Of a page of several cages.
MOST_DAYS_OF_MANY = 31
MOST_CAGES = 40


class Axis(StrEnum):
    """What a row of the actogram begins with."""

    CLOCK = "clock"
    ZT = "zt"
    TAU = "tau"


AXES = {
    Axis.CLOCK: gettext_lazy("clock"),
    Axis.ZT: gettext_lazy("ZT, from lights on"),
    Axis.TAU: gettext_lazy("a period of its own (tau)"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """The share of `health` in bins of `bin_minutes`, with or without handled minutes.

    tau: hours of a row where the axis is TAU; else a row is 24 hours. error: in words, what could
    not be read; the default is taken for it.
    """

    health: Health = Health.PERFECT
    bin_minutes: int = DEFAULT_BIN
    leaves_out: bool = False
    axis: Axis = Axis.CLOCK
    tau: float = 24.0
    is_double: bool = True
    error: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """From request.GET: `health=perfect&bin=10&handling=out&axis=tau&tau=23.6&rows=single`."""
        words = {health.word: health for health in Health}
        asked = query.get("bin", "")
        minutes = int(asked) if asked in map(str, BINS) else DEFAULT_BIN
        axis = Axis(name) if (name := query.get("axis", "")) in AXES else Axis.CLOCK
        tau, error = 24.0, ""
        if axis == Axis.TAU:
            try:
                tau = float(query.get("tau", "24").replace(",", "."))
            except ValueError:
                tau = 0.0
            if not LEAST_TAU <= tau <= MOST_TAU:
                tau = 24.0
                limits = {"least": f"{LEAST_TAU:g}", "most": f"{MOST_TAU:g}"}
                error = _("A period is %(least)s to %(most)s hours. 24 are shown.") % limits
        return cls(
            words.get(query.get("health", ""), Health.PERFECT),
            minutes,
            query.get("handling") == "out",
            axis,
            tau,
            query.get("rows") != "single",
            error,
        )

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What differs from the default, as in a URL."""
        told = {
            "health": (self.health.word, Health.PERFECT.word),
            "bin": (str(self.bin_minutes), str(DEFAULT_BIN)),
            "handling": ("out" if self.leaves_out else "", ""),
            "axis": (self.axis.value, Axis.CLOCK.value),
            "tau": (f"{self.tau:g}", "24"),
            "rows": ("" if self.is_double else "single", ""),
        }
        return [(name, value) for name, (value, usual) in told.items() if value != usual]

    @property
    def query(self) -> str:
        return urlencode(self.fields)
