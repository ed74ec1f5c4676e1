"""Judging again: results that arrived late change what was so in slots that are judged already.

Bad for long is told anew from the stored minutes, and its concerns are brought in line: a concern
that comes out of it is raised with its slot in the past, one that is not supported any more is
withdrawn, and one that began or was over at another slot is corrected.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from cages.history.minutes import minutes_of
from cages.history.window import Window
from cages.models import Cage
from cages.slots import SLOT_LENGTH
from welfare import desk
from welfare.conditions import Case
from welfare.look import STORED_AT_ONCE, Edge, case_of, edges_stored
from welfare.models import Act, Concern, ConditionEdge, Ending, JudgedSlot, Kind
from welfare.pieces import Piece, pieces
from welfare.rules import facts, unseen
from welfare.rules.handling import waiting
from welfare.rules.scopes import InForce, Scopes

logger = logging.getLogger(__name__)

# Results that arrive later than this change no concern any more.
LOOKED_AT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Lasting:
    """From the edge `begins` to `over`, which is None while it lasts."""

    begins: Edge
    over: datetime | None


def judge_again(slot: datetime, cage_ids: Collection[int] | None, now: datetime) -> None:
    """Judge these cages again from the slot on. The caller is in the gate.

    cage_ids: None for all that are polled.
    """
    newest = JudgedSlot.objects.order_by("-slot").values_list("slot", flat=True).first()
    if newest is None or slot > newest:
        # It is judged in its turn.
        return
    if newest - slot > LOOKED_AT:
        logger.warning("Results of %s arrived too late to be judged", slot)
        return
    cages = Cage.objects.polled().order_by("pk")
    if cage_ids is not None:
        cages = cages.filter(pk__in=cage_ids)
    places = list(cages.values_list("pk", "lab_id", "room_id"))
    cut = list(pieces(slot, newest))
    for start in range(0, len(places), STORED_AT_ONCE):
        _judge_some(places[start : start + STORED_AT_ONCE], cut, now)


def _judge_some(places: list[tuple[int, int, int | None]], cut: list[Piece], now: datetime) -> None:
    first = cut[0].first
    subjects = {facts.cage(pk): pk for pk, _, _ in places}
    stored = _stored_edges(subjects)
    lasting = {
        subjects[subject]
        for subject, edges in stored.items()
        if (before := [edge for edge in edges if edge.slot < first]) and before[-1].begins
    }
    found: dict[int, list[Edge]] = defaultdict(list)
    on = set(lasting)
    for piece in cut:
        rules = {
            pk: rule
            for pk, lab, room in places
            if (rule := piece.scopes.of(Kind.BAD_LONG, lab, room)) is not None
        }
        waits = waiting(piece.window, set(rules))
        for pk, edges in edges_stored(piece, rules, on, waits).items():
            found[pk] += edges
            if edges:
                (on.add if edges[-1].begins else on.discard)(pk)
    for subject, pk in subjects.items():
        was = [(e.slot, e.begins) for e in stored[subject] if e.slot >= first]
        if was != [(e.slot, e.begins) for e in found[pk]]:
            _bring_in_line(subject, stored[subject], found[pk], first, now)
    _withdraw_unseen(places, subjects, first, now)


def _stored_edges(subjects: Collection[str]) -> dict[str, list[ConditionEdge]]:
    """{subject: the edges of its concerns of Bad for long, oldest first}; one query."""
    edges = ConditionEdge.objects.filter(
        concern__kind=Kind.BAD_LONG, concern__subject__in=subjects, concern__is_drill=False
    )
    found: dict[str, list[ConditionEdge]] = defaultdict(list)
    for edge in edges.select_related("concern").order_by("slot", "pk"):
        found[edge.concern.subject].append(edge)
    return found


def _bring_in_line(
    subject: str, stored: list[ConditionEdge], found: list[Edge], first: datetime, now: datetime
) -> None:
    """Make the concerns of one cage follow the edges `found` from the slot `first` on."""
    ids = {edge.concern_id for edge in stored}
    concerns = Concern.objects.filter(kind=Kind.BAD_LONG, subject=subject, is_drill=False)
    concerns = concerns.filter(Q(pk__in=ids) | Q(closed_at=None)).order_by("pk")
    known = {one.pk: one for one in concerns.select_for_update(no_key=True)}
    before = [edge for edge in stored if edge.slot < first]
    after = [edge for edge in stored if edge.slot >= first]
    # {concern id: the edges that it has from now on}
    kept: dict[int, list[tuple[datetime, bool]]] = {pk: [] for pk in known}
    for edge in before:
        kept[edge.concern_id].append((edge.slot, edge.begins))
    current = before[-1].concern_id if before else None
    if before and before[-1].begins and found and not found[0].begins:
        kept[before[-1].concern_id].append((found[0].slot, False))
        found = found[1:]
    spans = _lastings(after)
    free = {edge.concern_id for edge in after if edge.begins}
    for lasting in _pairs(found):
        match = next(
            (
                pk
                for pk, begin, over in spans
                if pk in free
                and (over is None or over > lasting.begins.slot)
                and (lasting.over is None or begin < lasting.over)
            ),
            None,
        )
        if match is None:
            # One that is open goes on, as it would have if the results had been in time.
            match = next((pk for pk, one in known.items() if one.is_open and pk not in free), None)
            if match is None and current is not None and known[current].is_open:
                match = current
        if match is None and (one := next((o for o in known.values() if o.is_open), None)):
            match = one.pk
        if match is None:
            concern = _raise(lasting.begins, now)
            known[concern.pk], kept[concern.pk], match = concern, [], concern.pk
        free.discard(match)
        current = match
        kept[match].append((lasting.begins.slot, True))
        if lasting.over:
            kept[match].append((lasting.over, False))
    for pk, edges in kept.items():
        if edges or any(edge.concern_id == pk for edge in stored):
            _set(known[pk], sorted(edges), first, now)


def _pairs(edges: Iterable[Edge]) -> list[Lasting]:
    found: list[Lasting] = []
    for edge in edges:
        if edge.begins:
            found.append(Lasting(edge, None))
        elif found:
            found[-1] = Lasting(found[-1].begins, edge.slot)
    return found


def _lastings(edges: Iterable[ConditionEdge]) -> list[tuple[int, datetime, datetime | None]]:
    """[(concern id, from, until or None)], oldest first."""
    found: list[tuple[int, datetime, datetime | None]] = []
    for edge in edges:
        if edge.begins:
            found.append((edge.concern_id, edge.slot, None))
        elif found:
            found[-1] = (*found[-1][:2], edge.slot)
    return found


def _raise(edge: Edge, now: datetime) -> Concern:
    case: Case = case_of(edge, None)
    concern = Concern.objects.create(
        kind=case.kind,
        subject=case.subject,
        edition_id=case.edition_id,
        cage_id=case.cage_id,
        raised_slot=edge.slot,
        raised_at=now,
        since=case.since,
        is_since_known=case.is_since_known,
        facts=case.facts,
    )
    desk.note(concern, Act.RAISED, now)
    return concern


def _set(
    concern: Concern, edges: list[tuple[datetime, bool]], first: datetime, now: datetime
) -> None:
    """Give a concern these edges, all it has. Without any it is withdrawn."""
    before = list(concern.edges.order_by("slot").values_list("slot", "begins"))
    if before == edges:
        return
    concern.edges.all().delete()
    ConditionEdge.objects.bulk_create(
        ConditionEdge(concern=concern, slot=slot, begins=begins) for slot, begins in edges
    )
    if not edges:
        _withdraw(concern, now)
        return
    raised, over = edges[0][0], None if edges[-1][1] else edges[-1][0]
    if not before:
        act = None
    elif over and not concern.over_slot:
        act = Act.OVER
    elif concern.over_slot and not over:
        act, concern.again_at = Act.AGAIN, now
    else:
        act = Act.CORRECTED
    concern.raised_slot, concern.over_slot = raised, over
    concern.since = min(concern.since, raised)
    if over:
        concern.held_since = None
    concern.save()
    if act:
        desk.note(concern, act, now)


def _withdraw(concern: Concern, now: datetime) -> None:
    """It was never so. That is said whatever its life; what people found is kept."""
    concern.over_slot, concern.held_since = concern.raised_slot, None
    if concern.is_open:
        desk.close_by_itself([concern], Ending.WITHDRAWN, now)
    else:
        concern.ending = Ending.WITHDRAWN
        concern.save()
        desk.note(concern, Act.CLOSED, now, text=Ending.WITHDRAWN.value)


def _withdraw_unseen(
    places: list[tuple[int, int, int | None]],
    subjects: dict[str, int],
    first: datetime,
    now: datetime,
) -> None:
    """Withdraw what was said of cages that had been seen meanwhile, as it turns out."""
    concerns = Concern.objects.filter(
        kind=Kind.UNSEEN, subject__in=subjects, raised_slot__gte=first, is_drill=False
    ).exclude(ending=Ending.WITHDRAWN)
    found = list(concerns.order_by("pk").select_for_update(no_key=True))
    if not found:
        return
    scope = {pk: (lab, room) for pk, lab, room in places}
    last = max(one.raised_slot for one in found)
    window = Window(last + SLOT_LENGTH - LOOKED_AT, last + SLOT_LENGTH)
    minutes = minutes_of([subjects[one.subject] for one in found], window)
    for concern in found:
        pk = subjects[concern.subject]
        rule: InForce | None = Scopes.at(concern.raised_slot).of(Kind.UNSEEN, *scope[pk])
        codes = minutes[pk][: (concern.raised_slot - window.start) // SLOT_LENGTH + 1]
        if rule and any(codes) and not unseen.is_unseen(unseen.unanswered_in(codes), rule.unseen):
            _withdraw(concern, now)
