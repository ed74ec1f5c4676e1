"""On which time axis the days of a history stand under each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Self
from urllib.parse import urlencode

from django.utils.translation import gettext as _

CLOCK, ZT, TAU = "clock", "zt", "tau"
# Hours. The free-running periods of rodents lie well within.
TAU_FROM, TAU_TO = 16, 32
TAU_STEP = Decimal("0.01")
TAU_DEFAULT = Decimal("24.00")


@dataclass(frozen=True, slots=True)
class Axis:
    """name: CLOCK, ZT or TAU. tau: hours of a row. is_double: two rows side by side."""

    name: str = CLOCK
    tau: Decimal = TAU_DEFAULT
    is_double: bool = False
    # What is wrong with the period that was typed; then the axis is the clock.
    error: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """From request.GET: `axis=zt`, or `axis=tau&tau=23.70`, and `double=1`."""
        is_double = "double" in query
        name = query.get("axis", CLOCK)
        if name == ZT:
            return cls(ZT, is_double=is_double)
        if name != TAU:
            return cls(is_double=is_double)
        tau = _hours(query.get("tau", ""))
        if tau is None:
            words = _("Write a period from %(first)d to %(last)d hours, for example 23.70.")
            error = words % {"first": TAU_FROM, "last": TAU_TO}
            return cls(is_double=is_double, error=error)
        return cls(TAU, tau, is_double)

    @property
    def query(self) -> str:
        """The axis as it appears in a URL, without `double`; empty for the clock."""
        if self.name == CLOCK:
            return ""
        tau = {"tau": str(self.tau)} if self.name == TAU else {}
        return urlencode({"axis": self.name, **tau})

    @property
    def tau_tenths(self) -> int:
        """The length of a row in tenths of a minute, which is exact."""
        return int(self.tau / TAU_STEP) * 6


def _hours(text: str) -> Decimal | None:
    # Germans write 23,70.
    try:
        hours = Decimal(text.strip().replace(",", ".")[:10])
    except InvalidOperation:
        return None
    if not hours.is_finite() or not TAU_FROM <= hours <= TAU_TO:
        return None
    return hours.quantize(TAU_STEP)
