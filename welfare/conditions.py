"""The conditions of concerns: they begin, are held, are over, and begin again.

A condition of (subject, kind) lasts exactly when its newest concern is not over, whether that
concern is open or a person has closed it. So one that was closed does not come back before its
condition was over.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from welfare import desk
from welfare.models import Act, Concern, ConditionEdge, Ending, Kind, TrailEntry
from welfare.rules.facts import Facts
from welfare.signals import changed_after_commit

Key = tuple[Kind, str]
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Case:
    """What a new concern is about, and what was known when it was raised."""

    kind: Kind
    subject: str
    edition_id: int | None
    # When that began which it is about. is_since_known: else "at least" since then.
    since: datetime
    is_since_known: bool = False
    facts: Facts = field(default_factory=dict)
    cage_id: int | None = None
    rack_id: int | None = None
    room_id: int | None = None

    @property
    def key(self) -> Key:
        return self.kind, self.subject


class Conditions:
    """All conditions of some kinds that last, and the concerns that are still open.

    The caller is in a transaction, in which nobody else judges. Call `write` at its end.
    """

    def __init__(
        self, kinds: Collection[Kind], now: datetime, subjects: Collection[str] | None = None
    ) -> None:
        """Read and lock the concerns. subjects: only those about these. One query."""
        self.now = now
        self.lasting: dict[Key, Concern] = {}
        # Open, although over: a person has not said yet what was found.
        self.waiting: dict[Key, Concern] = {}
        self._begun: list[tuple[Concern, datetime]] = []
        self._changed: dict[int, Concern] = {}
        self._edges: list[ConditionEdge] = []
        self._trail: list[TrailEntry] = []
        found = Concern.objects.filter(kind__in=kinds, is_drill=False)
        found = found.filter(Q(over_slot=None) | Q(closed_at=None))
        if subjects is not None:
            found = found.filter(subject__in=subjects)
        # The desk locks one concern at a time. Adding to a trail is not kept waiting.
        for concern in found.order_by("pk").select_for_update(no_key=True):
            target = self.lasting if concern.over_slot is None else self.waiting
            target[Kind(concern.kind), concern.subject] = concern

    def lasts(self, kind: Kind, subject: str) -> bool:
        return (kind, subject) in self.lasting

    def of(self, kind: Kind) -> dict[str, Concern]:
        """{subject: the concern} of the conditions of this kind that last."""
        return {subject: one for (each, subject), one in self.lasting.items() if each == kind}

    def begin(self, case: Case, slot: datetime) -> Concern:
        """The condition begins at the slot. Nothing changes where it lasts already.

        A concern that is still open goes on. Else a new one is raised.
        """
        if concern := self.lasting.get(case.key):
            return concern
        if concern := self.waiting.pop(case.key, None):
            concern.over_slot, concern.again_at = None, self.now
            self._change(concern)
            self._note(concern, Act.AGAIN)
            self._add_edge(concern, slot, begins=True)
        else:
            concern = Concern(
                kind=case.kind,
                subject=case.subject,
                edition_id=case.edition_id,
                cage_id=case.cage_id,
                rack_id=case.rack_id,
                room_id=case.room_id,
                raised_slot=slot,
                raised_at=self.now,
                since=case.since,
                is_since_known=case.is_since_known,
                facts=case.facts,
            )
            self._begun.append((concern, slot))
        self.lasting[case.key] = concern
        return concern

    def end(
        self, kind: Kind, subject: str, slot: datetime, ending: Ending = Ending.BY_ITSELF
    ) -> None:
        """The condition is over at the slot. Nothing changes where it does not last.

        Only a concern about health stays open after that. ending: why the others are closed.
        """
        concern = self.lasting.pop((kind, subject), None)
        if concern is None:
            return
        concern.over_slot, concern.held_since = slot, None
        if concern.pk is None:
            # It began in an earlier slot of what is judged now.
            self.write()
        self._change(concern)
        self._add_edge(concern, slot, begins=False)
        if concern.is_open:
            if ending == Ending.BY_ITSELF:
                self._note(concern, Act.OVER)
            if kind.is_health:
                self.waiting[kind, subject] = concern
            else:
                desk.close_by_itself([concern], ending, self.now)

    def hold(self, kind: Kind, subject: str, since: datetime | None) -> None:
        """Note since when nothing is known of a condition that lasts; None while it is."""
        concern = self.lasting[kind, subject]
        if (since is None) != (concern.held_since is None):
            concern.held_since = since
            if concern.pk is not None:
                self._change(concern)

    def ask_for_an_eye(self, concern: Concern) -> None:
        """Note, once, that somebody has to look by eye."""
        if not concern.facts.get("by_eye"):
            concern.facts = {**concern.facts, "by_eye": True}
            if concern.pk is None:
                self.write()
            self._change(concern)
            self._note(concern, Act.BY_EYE)

    def write(self) -> None:
        """Write everything; a fixed number of queries for each AT_ONCE concerns."""
        begun, self._begun = self._begun, []
        if begun or self._trail:
            changed_after_commit()
        Concern.objects.bulk_create([one for one, _ in begun], batch_size=AT_ONCE)
        for concern, slot in begun:
            self._note(concern, Act.RAISED)
            self._add_edge(concern, slot, begins=True)
        fields = ("facts", "held_since", "over_slot", "again_at")
        Concern.objects.bulk_update(self._changed.values(), fields, batch_size=AT_ONCE)
        ConditionEdge.objects.bulk_create(self._edges, batch_size=AT_ONCE)
        TrailEntry.objects.bulk_create(self._trail, batch_size=AT_ONCE)
        self._changed, self._edges, self._trail = {}, [], []

    def _change(self, concern: Concern) -> None:
        self._changed[concern.pk] = concern

    def _add_edge(self, concern: Concern, slot: datetime, begins: bool) -> None:
        """Keep the edge of a condition that is judged again when results arrive late."""
        if concern.kind == Kind.BAD_LONG:
            self._edges.append(ConditionEdge(concern=concern, slot=slot, begins=begins))

    def _note(self, concern: Concern, act: Act) -> None:
        self._trail.append(TrailEntry(concern=concern, act=act, at=self.now))


def silence(
    conditions: Conditions, subjects: Iterable[str], kinds: Collection[Kind], slot: datetime
) -> None:
    """End what is said of cages that are not watched any more.

    A concern about health stays open and lasts, as nothing is known of it. One that a person has
    closed is over, so that a cage that is watched again begins anew.
    """
    for subject in subjects:
        for kind in kinds:
            concern = conditions.lasting.get((kind, subject))
            if concern is None:
                continue
            if kind.is_health and concern.is_open:
                conditions.hold(kind, subject, concern.held_since or slot)
            else:
                conditions.end(kind, subject, slot, Ending.NOT_WATCHED)
