"""What a rule "Bad for long" would have raised in the last days, beside the rule in force."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np
from django.db.models import Exists, OuterRef
from django.utils import timezone

from cages.history.minutes import minute_number
from cages.history.span import NIGHT
from cages.history.window import Window
from cages.models.cage import CageQuerySet
from cages.slots import SLOT_LENGTH, slot_of
from welfare.models import Concern, Kind, Rule
from welfare.models.concern import REAL_FINDINGS, Finding
from welfare.rules.parameters import BadLong
from welfare.rules.replay import Beginnings, Places, replay
from welfare.rules.sample import evenly
from welfare.rules.scopes import cages_of
from welfare.rules.share_of_window import Flags

DAYS_LEAST, DAYS_MOST, DAYS_USUAL = 7, 90, 30
# 500 cages for 90 days. Of more cages some are taken, evenly by their ids.
CAGE_DAYS_MOST = 500 * DAYS_MOST
# A case was caught if the rule raises a concern of its cage within this time before or after the
# concern with the finding was raised.
CASE_WITHIN = timedelta(hours=24)
CASES_MOST, CASES_NAMED = 10_000, 20


@dataclass(frozen=True, slots=True)
class Case:
    """Something real that a person found at a cage. is_seen: whether the reader sees the cage."""

    concern_id: int
    cage_id: int
    label: str
    is_seen: bool
    raised: datetime
    finding: Finding


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule would have done.

    raised: concerns, in `cages` cages, `at_night` of them at night. found_real, found_other: those
    near a concern for which a person noted a finding. caught: cases with a concern near them.
    missed: cases without one in cages that the reader sees, CASES_NAMED at most. missed_more: how
    many other cases have none.
    """

    parameters: BadLong
    raised: int
    cages: int
    at_night: int
    found_real: int
    found_other: int
    caught: int
    missed: tuple[Case, ...]
    missed_more: int

    @property
    def not_found(self) -> int:
        """Those near which nobody noted anything."""
        return self.raised - self.found_real - self.found_other


@dataclass(frozen=True, slots=True)
class BackTest:
    """The proposed rule and the rule in force (None where there is none) over one window.

    cages: how many were replayed of `cages_of_rule`. cases: how many real findings these had.
    """

    window: Window
    days: int
    cages: int
    cages_of_rule: int
    cases: int
    proposed: Outcome
    in_force: Outcome | None

    @property
    def is_sample(self) -> bool:
        return self.cages < self.cages_of_rule

    @property
    def within_hours(self) -> int:
        return CASE_WITHIN // timedelta(hours=1)

    def a_day(self, outcome: Outcome) -> float:
        return outcome.raised / self.days


def back_test(
    rule: Rule,
    proposed: BadLong,
    in_force: BadLong | None,
    days: int,
    now: datetime,
    seen: CageQuerySet,
) -> BackTest:
    """Replay both over the last `days` days, up to the slot of `now`.

    days: from DAYS_LEAST to DAYS_MOST. The minutes are stored, so results that came late count.
    seen: the cages that the reader sees. What was found in the others is only counted.
    """
    end = slot_of(now)
    window = Window(end - timedelta(days=days), end)
    ids = list(cages_of(rule).order_by("pk").values_list("pk", flat=True))
    taken = evenly(ids, CAGE_DAYS_MOST // days)
    rules = [proposed] if in_force is None else [proposed, in_force]
    findings = _findings(taken, window, seen)
    cases = [case for case in findings if case.finding in REAL_FINDINGS]
    outcomes = [
        _outcome(parameters, raised, findings, cases)
        for parameters, raised in zip(rules, replay(taken, window, rules), strict=True)
    ]
    return BackTest(
        window=window,
        days=days,
        cages=len(taken),
        cages_of_rule=len(ids),
        cases=len(cases),
        proposed=outcomes[0],
        in_force=outcomes[1] if in_force else None,
    )


def _findings(cage_ids: Sequence[int], window: Window, seen: CageQuerySet) -> list[Case]:
    """The concerns about health with a finding, the newest CASES_MOST of them; one query."""
    health = [kind for kind in Kind if kind.is_health]
    concerns = (
        Concern.objects.counted()
        .filter(kind__in=health, cage__in=cage_ids)
        .filter(raised_slot__gte=window.start, raised_slot__lt=window.end)
        .exclude(finding="")
        .annotate(is_seen=Exists(seen.order_by().filter(pk=OuterRef("cage"))))
        .order_by("-raised_slot")
        .values_list("pk", "cage_id", "cage__label", "is_seen", "raised_slot", "finding")
    )
    return [
        Case(pk, cage, label if is_seen else "", is_seen, raised, Finding(finding))
        for pk, cage, label, is_seen, raised, finding in concerns[:CASES_MOST]
    ]


def _outcome(
    parameters: BadLong, raised: Beginnings, findings: Sequence[Case], cases: Sequence[Case]
) -> Outcome:
    of_cage: dict[int, list[int]] = defaultdict(list)
    for cage, minute in zip(raised.cage.tolist(), raised.minute.tolist(), strict=True):
        of_cage[cage].append(minute)
    real, other = set(), set()
    missed = []
    reach = CASE_WITHIN // SLOT_LENGTH
    for case in findings:
        begun = minute_number(case.raised)
        near = {
            (case.cage_id, minute)
            for minute in of_cage.get(case.cage_id, ())
            if abs(minute - begun) <= reach
        }
        if case.finding in REAL_FINDINGS:
            real |= near
            if not near:
                missed.append(case)
        else:
            other |= near
    named = tuple(case for case in missed if case.is_seen)[:CASES_NAMED]
    return Outcome(
        parameters=parameters,
        raised=len(raised.cage),
        cages=len(of_cage),
        at_night=int(_at_night(raised.minute).sum()),
        found_real=len(real),
        found_other=len(other - real),
        caught=len(cases) - len(missed),
        missed=named,
        missed_more=len(missed) - len(named),
    )


def _at_night(minutes: Places) -> Flags:
    """Which of the slots begin at night, by the facility's clock."""
    dusk, dawn = NIGHT
    # No clock differs from UTC by less than a quarter of an hour, and night begins on the hour.
    quarters, place = np.unique(minutes // 15, return_inverse=True)
    at_night = [_is_night(quarter * 15, dusk, dawn) for quarter in quarters.tolist()]
    return np.array(at_night, bool)[place]


def _is_night(minute: int, dusk: time, dawn: time) -> bool:
    moment = datetime.fromtimestamp(minute * 60, UTC)
    clock = timezone.localtime(moment, timezone.get_default_timezone()).time()
    return clock >= dusk or clock < dawn
