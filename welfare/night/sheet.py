"""A night sheet as one person may see it: the kept facts, with what is open on the desk."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cages.history.summaries import Share
from cages.models import Cage, Health
from cages.models.cage import CageQuerySet
from cages.slots import SLOT_LENGTH
from welfare.models import Concern, NightSheet
from welfare.night.facts import BY_EYE_MINUTES

CONCERNS_AT_MOST = 500
EMPTY: dict[str, Any] = {"cages": 0, "lines": [], "alone": [], "rest": [], "little": []}


@dataclass(frozen=True, slots=True)
class Spell:
    """A Bad spell. is_exact: else it lasted at least so long."""

    first: datetime
    minutes: int
    same: int
    known: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One cage that has something to say of its dark phase, from `start` up to `end`."""

    cage: Cage
    says: frozenset[str]
    start: datetime
    end: datetime
    minutes: int
    known: int
    bad: int
    handled: int
    longest: Spell | None
    unseen: int
    silent_since: datetime | None
    silent_minutes: int
    usual: tuple[Share, Share] | None
    phases: int

    @property
    def by_eye(self) -> bool:
        """Whether it was silent for so long that somebody has to look."""
        return self.silent_minutes >= BY_EYE_MINUTES

    @property
    def bad_share(self) -> Share:
        return Share(self.bad, self.known, Health.BAD)

    @property
    def minute(self) -> datetime:
        """The minute to look at."""
        if "bad" in self.says and self.longest:
            return self.longest.first
        if "unlike" not in self.says and self.silent_since:
            return self.silent_since
        return self.end - SLOT_LENGTH


@dataclass(frozen=True, slots=True)
class Group:
    """Cages of which there is nothing to say. least: the one of which least is known."""

    cages: list[Cage]
    least: Share

    def by_rack(self) -> list[tuple[str, list[Cage]]]:
        """[("R1 · rack A", its cages)] in the order of the cages."""
        found: dict[str, list[Cage]] = {}
        for cage in self.cages:
            found.setdefault(cage.room_and_rack, []).append(cage)
        return list(found.items())


@dataclass(frozen=True, slots=True)
class Sheet:
    """cages: how many of the room's the person sees, the sum of all parts.

    concerns: open now. alone: known well, nothing to say, no open concern. rest: nothing to say,
    but less is known or a concern is open. little: known for less than half of it. without: no dark
    phase.
    """

    lines: list[Line]
    concerns: list[Concern]
    alone: Group
    rest: Group
    little: Group
    without: list[Cage]

    @property
    def cages(self) -> int:
        groups = (self.alone, self.rest, self.little)
        return len(self.lines) + len(self.without) + sum(len(group.cages) for group in groups)


def sheet_of(kept: NightSheet, seen: CageQuerySet, now: datetime) -> Sheet:
    """The sheet with the cages among `seen`. Two queries.

    A cage that was made later has the id of one that was purged, and was in no such night.
    """
    facts = {**EMPTY, "without": [], **kept.facts}
    short = [pk for name in ("alone", "rest", "little") for pk, *_counts in facts[name]]
    ids = [line["cage"] for line in facts["lines"]] + short + facts["without"]
    then = seen.filter(pk__in=ids, created_at__lte=kept.made_at)
    places = then.select_related("room", "rack").in_order("position", now)
    cages = {cage.pk: cage for cage in places}
    open_ones = Concern.objects.open().counted().filter(cage__in=cages)
    concerns = list(
        open_ones.select_related("cage__room", "cage__rack").worst_first()[:CONCERNS_AT_MOST]
    )
    worrying = {concern.cage_id for concern in concerns}
    lines = [_line(cages[one["cage"]], one) for one in facts["lines"] if one["cage"] in cages]
    lines.sort(key=lambda line: (line.cage.pk not in worrying, *_worst_first(line)))
    # A concern that was opened since says that it is not to be left alone.
    alone = [one for one in facts["alone"] if one[0] not in worrying]
    others = [one for one in facts["alone"] if one[0] in worrying]
    return Sheet(
        lines=lines,
        concerns=concerns,
        alone=_group(alone, cages),
        rest=_group([*facts["rest"], *others], cages),
        little=_group(facts["little"], cages),
        without=[cages[pk] for pk in facts["without"] if pk in cages],
    )


def _worst_first(line: Line) -> tuple[Any, ...]:
    longest = line.longest.minutes if "bad" in line.says and line.longest else 0
    return (-longest, "unlike" not in line.says, -line.silent_minutes, line.cage.pk)


def _line(cage: Cage, told: dict[str, Any]) -> Line:
    spell, silence, usual = told["longest"], told["silence"], told["usual"]
    return Line(
        cage=cage,
        says=frozenset(told["says"]),
        start=datetime.fromisoformat(told["from"]),
        end=datetime.fromisoformat(told["until"]),
        minutes=told["minutes"],
        known=told["known"],
        bad=told["bad"],
        handled=told["handled"],
        longest=Spell(**{**spell, "first": datetime.fromisoformat(spell["first"])})
        if spell
        else None,
        unseen=told["unseen"],
        silent_since=datetime.fromisoformat(silence[0]) if silence else None,
        silent_minutes=silence[1] if silence else 0,
        usual=(Share(*usual[0]), Share(*usual[1])) if usual else None,
        phases=told["phases"],
    )


def _group(short: Iterable[list[int]], cages: dict[int, Cage]) -> Group:
    """In the order of the cages."""
    shares = {pk: Share(known, minutes) for pk, known, minutes in short if pk in cages}
    least = min(shares.values(), key=lambda share: share.percent or 0, default=Share(0, 0))
    return Group([cage for pk, cage in cages.items() if pk in shares], least)
