"""What a study package shall hold. It is kept as JSON, so that the file can be made again."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from cages.history.window import Window
from cages.models import Study

# A package of this size takes minutes to make, and a thread of the web server meanwhile.
MOST_ROWS = 20_000_000
MOST_EXCLUSIONS = 100
MOST_OF_REASON = 200
# In the comparison of groups, a cage of which less is known is withheld. Unless the study says so.
LEAST_COVERAGE_PERCENT = 50


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Minutes of all cages that shall not count, and why."""

    window: Window
    reason: str


@dataclass(frozen=True, slots=True)
class StudyOrder:
    """cages: (id, label, created_at), by id. Labels are those of the day it was ordered.

    margin: how long before and after handling minutes are excluded; None excludes none for it.
    least_coverage_percent: of the minutes of a cage, for it to count in a comparison of groups.
    purged: the ids of those cages that were purged since; not kept with the order. Another cage may
    have such an id by now, so nothing may be read under it.
    """

    cages: list[tuple[int, str, datetime]]
    window: Window
    margin: timedelta | None
    exclusions: list[Exclusion]
    least_coverage_percent: int = LEAST_COVERAGE_PERCENT
    purged: frozenset[int] = frozenset()

    @classmethod
    def of(cls, study: Study) -> Self:
        """The order of a study, and which of its cages were purged since; one query."""
        order = cls.from_json(study.order)
        there = set(study.cages.order_by().values_list("pk", flat=True))
        ids = {cage_id for cage_id, *_rest in order.cages}
        return replace(order, purged=frozenset(ids - there))

    @property
    def there(self) -> list[tuple[int, str, datetime]]:
        """Its cages without those that were purged: only of these may anything be read."""
        return [cage for cage in self.cages if cage[0] not in self.purged]

    @property
    def gone(self) -> list[tuple[int, str, datetime]]:
        """Its cages that were purged."""
        return [cage for cage in self.cages if cage[0] in self.purged]

    @property
    def most_rows(self) -> int:
        return len(self.cages) * self.window.minutes

    @property
    def least_coverage(self) -> float:
        """The same from 0 to 1."""
        return self.least_coverage_percent / 100

    def to_json(self) -> dict[str, Any]:
        return {
            "cages": [[pk, label, _text(created_at)] for pk, label, created_at in self.cages],
            "window": _span(self.window),
            "handling_margin_minutes": (
                None if self.margin is None else self.margin // timedelta(minutes=1)
            ),
            "exclusions": [[*_span(one.window), one.reason] for one in self.exclusions],
            "least_coverage_percent": self.least_coverage_percent,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        margin = kept["handling_margin_minutes"]
        return cls(
            [(pk, label, datetime.fromisoformat(at)) for pk, label, at in kept["cages"]],
            _window(*kept["window"]),
            None if margin is None else timedelta(minutes=margin),
            [Exclusion(_window(start, end), why) for start, end, why in kept["exclusions"]],
            kept.get("least_coverage_percent", LEAST_COVERAGE_PERCENT),
        )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _span(window: Window) -> list[str]:
    return [_text(window.start), _text(window.end)]


def _window(start: str, end: str) -> Window:
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
