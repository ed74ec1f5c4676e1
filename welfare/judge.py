"""Judging: after each cycle all cages, places and parts are looked at, and concerns follow.

It reads states only, never the sensors. Judging a slot again changes nothing. All of a slot is one
transaction, and only one slot is judged at a time.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import transaction

from cages.history.chance import usual_share
from cages.models import CageState, PollCycle
from cages.slots import FUTURE_TOLERANCE, SLOT_LENGTH
from welfare import late
from welfare.conditions import Case, Conditions, silence
from welfare.look import KINDS, Edge, Look, case_of, look
from welfare.models import Concern, JudgedSlot, Kind
from welfare.pieces import Piece, gate, pieces
from welfare.rules import facts, place_silent, unseen
from welfare.rules.parameters import UNSEEN_MINUTES, PlaceSilent

logger = logging.getLogger(__name__)

# Slots that were not judged in their turn are judged together with the next one, so many at most.
CAUGHT_UP = 60
# Finished cycles that a minute without a message looks back for.
LOOKED_BACK = 15
JUDGED_KEPT = timedelta(days=2)


def unjudged(now: datetime) -> list[datetime]:
    """The slots of the newest finished cycles that nobody has judged, oldest first; two queries."""
    cycles = PollCycle.objects.finished().until(now).order_by("-slot")
    slots = list(cycles.values_list("slot", flat=True)[:LOOKED_BACK])
    judged = set(JudgedSlot.objects.filter(slot__in=slots).values_list("slot", flat=True))
    return sorted(slot for slot in slots if slot not in judged)


@transaction.atomic
def judge(slot: datetime, now: datetime) -> bool:
    """Judge a slot, and those before it that were not judged. Returns whether anything was to do.

    A slot whose cycle finished after later ones were judged is judged again from there on.
    """
    gate()
    # A clock was wrong. Those slots will come, and are judged then.
    JudgedSlot.objects.filter(slot__gt=now + FUTURE_TOLERANCE).delete()
    if slot > now + FUTURE_TOLERANCE or JudgedSlot.objects.filter(slot=slot).exists():
        return False
    newest = JudgedSlot.objects.order_by("-slot").values_list("slot", flat=True).first()
    if newest and slot < newest:
        late.judge_again(slot, None, now)
    else:
        for first, last in _spans(slot, newest):
            for piece in pieces(first, last):
                _judge_piece(piece, now, is_last=piece.last == slot)
    JudgedSlot.objects.create(slot=slot, judged_at=now)
    JudgedSlot.objects.filter(slot__lt=slot - JUDGED_KEPT).delete()
    return True


def _spans(slot: datetime, newest: datetime | None) -> Iterator[tuple[datetime, datetime]]:
    """(first, last) of the slots to judge, from after the `newest` one that was judged to `slot`.

    Nothing is told of slots from before Neurocage judged at all.
    """
    if newest is None:
        yield slot, slot
        return
    first = newest + SLOT_LENGTH
    if not PollCycle.objects.filter(slot__gt=newest, slot__lt=slot).exists():
        # Nobody was asked. An edge is possible for as long as the last readings are not too old.
        last = min(newest + (UNSEEN_MINUTES - 1) * SLOT_LENGTH, slot - SLOT_LENGTH)
        if first <= last:
            yield first, last
        yield slot, slot
        return
    begin = max(first, slot - (CAUGHT_UP - 1) * SLOT_LENGTH)
    if begin > first:
        logger.warning("The slots after %s and before %s are not judged", newest, begin)
    yield begin, slot


def _judge_piece(piece: Piece, now: datetime, is_last: bool) -> None:
    lasting = Concern.objects.filter(kind=Kind.BAD_LONG, over_slot=None, is_drill=False)
    seen = look(piece, set(lasting.values_list("cage_id", flat=True)))
    conditions = Conditions([*KINDS, Kind.PLACE_SILENT], now)
    for kind in KINDS:
        found = conditions.of(kind).items()
        gone = [subject for subject, one in found if not seen.watches(kind, one.cage_id)]
        silence(conditions, gone, [kind], piece.last)
    apply_edges(conditions, seen.edges)
    if is_last:
        _hold(conditions, seen, piece.last)
        _judge_places(conditions, seen, piece, now)
        _judge_unseen(conditions, seen, piece.last)
    conditions.write()


def apply_edges(conditions: Conditions, edges: Iterable[Edge]) -> None:
    """Let Bad for long begin and end at these edges, which are in the order of slots."""
    edges = list(edges)
    begun = [edge.cage_id for edge in edges if edge.begins]
    states = CageState.objects.filter(cage__in=begun).in_bulk() if begun else {}
    for edge in edges:
        if edge.begins:
            conditions.begin(case_of(edge, states.get(edge.cage_id)), edge.slot)
        else:
            conditions.end(Kind.BAD_LONG, facts.cage(edge.cage_id), edge.slot)


def _hold(conditions: Conditions, seen: Look, slot: datetime) -> None:
    """While a cage is unseen, a condition neither ends nor repeats because data stopped."""
    for subject, concern in conditions.of(Kind.BAD_LONG).items():
        if seen.watches(Kind.BAD_LONG, concern.cage_id):
            held = concern.held_since or slot if concern.cage_id in seen.held else None
            conditions.hold(Kind.BAD_LONG, subject, held)


def _judge_places(conditions: Conditions, seen: Look, piece: Piece, now: datetime) -> None:
    """One concern for the largest place whose sensors fell silent together."""
    slot, lasting = piece.last, conditions.of(Kind.PLACE_SILENT)
    rule = piece.scopes.of(Kind.PLACE_SILENT)
    if rule is None:
        silence(conditions, lasting, [Kind.PLACE_SILENT], slot)
        return
    parameters = rule.parameters
    if not isinstance(parameters, PlaceSilent):
        raise TypeError(parameters)
    places = place_silent.places_of(seen.asked, parameters.within_minutes)
    for subject, concern in lasting.items():
        told, lasted = concern.facts, (slot - concern.since) // SLOT_LENGTH + 1
        place = places.get(subject)
        if place_silent.is_over(place, told["silent"], told["cages"], lasted, parameters):
            conditions.end(Kind.PLACE_SILENT, subject, slot)
    by_eye = piece.scopes.of(Kind.UNSEEN)
    for concern in conditions.of(Kind.PLACE_SILENT).values():
        if by_eye and unseen.needs_eye(concern.since, slot, by_eye.unseen):
            conditions.ask_for_an_eye(concern)
    whole = places.get(facts.EVERYTHING)
    newest = place_silent.places_of(seen.asked, 1)
    wholly = place_silent.wholly_silent(newest, parameters)
    # Many minutes end here, without asking what is usual.
    if whole is None or (whole.fell < parameters.least_cages and not wholly):
        return
    usual = usual_share(now)
    begun = place_silent.silent_places(places, parameters, usual)
    begun += place_silent.silent_at_once(wholly, newest, usual)
    # Where a larger place is told of already, its parts are not.
    told_of = [places[one] for one in conditions.of(Kind.PLACE_SILENT) if one in places]
    for place in begun:
        if any(one.holds(place.room_id, place.rack_id) for one in told_of):
            continue
        told_of.append(place)
        since = max(
            (
                one.last
                for one in seen.silent
                if one.last
                and one.unanswered >= place.minutes
                and place.holds(one.room_id, one.rack_id)
            ),
            default=None,
        )
        case = Case(
            Kind.PLACE_SILENT,
            place.subject,
            rule.edition_id,
            since + SLOT_LENGTH if since else slot,
            since is not None,
            facts.place(place.silent, place.cages),
            rack_id=place.rack_id,
            room_id=place.room_id,
        )
        conditions.begin(case, slot)


def _judge_unseen(conditions: Conditions, seen: Look, slot: datetime) -> None:
    """Cages that do not answer, but for those of a place of which that is told already."""
    places = [
        place_silent.Place(subject, 0, 0, 0, concern.room_id, concern.rack_id)
        for subject, concern in conditions.of(Kind.PLACE_SILENT).items()
        # A place that was deleted holds no cage.
        if subject == facts.EVERYTHING or concern.room_id or concern.rack_id
    ]
    still = set()
    for one in seen.silent:
        if one.rule is None or not unseen.is_unseen(one.unanswered, one.rule.unseen):
            continue
        subject = facts.cage(one.cage_id)
        still.add(subject)
        concern = conditions.lasting.get((Kind.UNSEEN, subject))
        if concern is None:
            in_place = any(p.holds(one.room_id, one.rack_id) for p in places)
            if in_place or seen.waiting.is_inside(one.cage_id, slot):
                continue
            since = one.last + SLOT_LENGTH if one.last else slot
            case = Case(
                Kind.UNSEEN,
                subject,
                one.rule.edition_id,
                since,
                one.last is not None,
                facts.unseen(one.unanswered),
                cage_id=one.cage_id,
            )
            concern = conditions.begin(case, slot)
        if unseen.needs_eye(concern.since, slot, one.rule.unseen):
            conditions.ask_for_an_eye(concern)
    for subject in conditions.of(Kind.UNSEEN).keys() - still:
        conditions.end(Kind.UNSEEN, subject, slot)
