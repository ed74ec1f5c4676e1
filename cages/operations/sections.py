"""What apps that come after this one show on the operations page. They add to MORE.

This app knows nothing of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page. `template` gets `told`, `may` and `now`."""

    template: str
    told: object


# Each is called with the time of the page, and needs a fixed number of queries.
MORE: list[Callable[[datetime], Section]] = []


def more(now: datetime) -> list[Section]:
    """Every section, in the order in which they were added."""
    return [make(now) for make in MORE]
