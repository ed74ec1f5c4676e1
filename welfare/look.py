"""A look at all cages up to one slot: what the rules need, read once from the states.

It takes tens of thousands of cages in less than a second, so it makes no model instance for each.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cages.history.minutes import minutes_of
from cages.history.window import Window
from cages.models import Cage, CageState, Health
from cages.models.minute import KNOWN, Minute
from cages.models.state import MINUTES_KEPT, codes_of
from cages.slots import SLOT_LENGTH
from welfare.conditions import Case
from welfare.models import Kind
from welfare.pieces import Piece
from welfare.rules import bad_long, facts, unseen
from welfare.rules.handling import Waiting, waiting
from welfare.rules.parameters import BadLong
from welfare.rules.place_silent import Asked
from welfare.rules.scopes import InForce

COLUMNS = (
    *("pk", "lab_id", "room_id", "rack_id"),
    *("state__outcome_slot", "state__reading_slot", "state__silent_count", "state__minutes"),
)
# The kinds of rules that look at single cages.
KINDS = (Kind.BAD_LONG, Kind.UNSEEN, Kind.SENSOR_WEAK)
ROWS_AT_ONCE = 5000
# Cages whose stored minutes are read in one query.
STORED_AT_ONCE = 500
_KNOWN = tuple(str(code.value) for code in KNOWN)
_BAD = _KNOWN[0]


@dataclass(frozen=True, slots=True)
class Edge:
    """The condition Bad for long of a cage begins, or is over, at a slot.

    window: the minutes of the rule's window, that of the slot last.
    """

    slot: datetime
    cage_id: int
    begins: bool
    rule: InForce
    window: bytes


class Silent(NamedTuple):
    """A cage that has not answered its last polls. rule: "Unseen", or None where it is off."""

    cage_id: int
    room_id: int | None
    rack_id: int | None
    unanswered: int
    last: datetime | None
    rule: InForce | None


@dataclass(slots=True)
class Look:
    """What was seen of the cages that are polled.

    edges: of Bad for long, in the order of slots. silent: those that have not answered the
    last poll. asked: how many cages were planned in the slot, by where they stand and how
    many polls in a row they have not answered. watched: the ids of all. unruled: the ids of those
    for which a kind of rule is off. held: those of which Bad for long lasts while they are unseen.
    waiting: where rules wait because of handling.
    """

    edges: list[Edge] = field(default_factory=list)
    silent: list[Silent] = field(default_factory=list)
    asked: Counter[Asked] = field(default_factory=Counter)
    watched: set[int] = field(default_factory=set)
    unruled: dict[Kind, set[int]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    held: set[int] = field(default_factory=set)
    waiting: Waiting = field(default_factory=lambda: Waiting({}))

    def watches(self, kind: Kind, cage_id: int | None) -> bool:
        """Whether a rule of this kind looks at the cage."""
        return cage_id in self.watched and cage_id not in self.unruled[kind]


class _Rules(NamedTuple):
    """The rules of one lab in one room, and what is asked of each minute anew."""

    bad_long: InForce | None
    unseen: InForce | None
    off: list[Kind]
    # How many of the last minutes the piece needs for "Bad for long", and the figures of that rule.
    span: int
    least_bad: int
    least_known: int
    share_percent: int


def look(piece: Piece, lasting: Collection[int]) -> Look:
    """Look at the piece. lasting: ids of cages of which Bad for long lasts before it.

    Three queries at most, and one for each STORED_AT_ONCE cages whose state does not reach back far
    enough. Its loop is written for speed: everything that is the same for many cages is found once.
    """
    seen, slot, is_one = Look(waiting=waiting(piece.window)), piece.last, piece.slots == 1
    backs: dict[datetime | None, int] = {}
    by_scope: dict[tuple[int, int | None], _Rules] = {}
    stored: dict[int, InForce] = {}
    asked, watched = seen.asked, seen.watched
    cages = Cage.objects.polled().order_by().values_list(*COLUMNS)
    for pk, lab, room, rack, outcome_slot, reading_slot, silent, minutes in cages.iterator(
        chunk_size=ROWS_AT_ONCE
    ):
        watched.add(pk)
        if (rules := by_scope.get((lab, room))) is None:
            rules = by_scope[lab, room] = _rules(piece, lab, room)
        for kind in rules.off:
            seen.unruled[kind].add(pk)
        if outcome_slot is None:
            continue
        if (back := backs.get(outcome_slot)) is None:
            back = backs[outcome_slot] = (outcome_slot - slot) // SLOT_LENGTH
        digits, after = minutes, ""
        if back > 0:
            digits, after = minutes[:-back], minutes[-back:]
        elif back < 0:
            # Nothing is recorded of it in the last slots.
            digits = minutes[-back:].ljust(MINUTES_KEPT, "0")
        is_on = pk in lasting
        if rules.bad_long:
            tail = digits[-rules.span :]
            bad = tail.count(_BAD)
            # What the state does not reach may all be Bad.
            unknown = rules.span - len(tail)
            if is_on or bad + unknown >= rules.least_bad:
                known = bad + tail.count(_KNOWN[1]) + tail.count(_KNOWN[2])
                enough = known >= rules.least_known and 100 * bad >= rules.share_percent * known
                # Few cages are looked at more closely than this.
                if is_on or unknown or not is_one or enough:
                    needed = bad_long.lead_of(rules.bad_long.bad_long) + piece.slots
                    if needed <= len(digits):
                        codes = codes_of(digits[-needed:])
                        seen.edges += _edges(piece, pk, codes, rules.bad_long, is_on, seen.waiting)
                    else:
                        stored[pk] = rules.bad_long
        if is_on and bad_long.is_unseen(digits):
            seen.held.add(pk)
        if reading_slot == slot:
            asked[room, rack, 0] += 1
            continue
        told = unseen.silence(slot, digits, after, reading_slot, silent)
        if back >= 0:
            asked[room, rack, told.unanswered] += 1
        if told.unanswered:
            seen.silent.append(Silent(pk, room, rack, told.unanswered, told.last, rules.unseen))
    _add_stored(seen, piece, stored, lasting)
    seen.edges.sort(key=lambda edge: (edge.slot, edge.cage_id))
    return seen


def _rules(piece: Piece, lab_id: int, room_id: int | None) -> _Rules:
    found = {kind: piece.scopes.of(kind, lab_id, room_id) for kind in KINDS}
    off = [kind for kind, rule in found.items() if rule is None]
    rule = found[Kind.BAD_LONG]
    parameters = rule.bad_long if rule else BadLong()
    return _Rules(
        rule,
        found[Kind.UNSEEN],
        off,
        parameters.window_minutes + piece.slots - 1,
        bad_long.least_bad(parameters),
        parameters.least_known,
        parameters.share_percent,
    )


def _edges(
    piece: Piece, cage_id: int, codes: bytes, rule: InForce, is_on: bool, waits: Waiting
) -> list[Edge]:
    """codes: `lead_of` the rule minutes, and those of the piece."""
    parameters = rule.bad_long
    lead, window = bad_long.lead_of(parameters), parameters.window_minutes
    found = []
    mask = waits.mask(cage_id, piece.window)
    for index, begins in bad_long.edges(codes, parameters, is_on, lead, mask):
        slot = piece.first + (index - lead) * SLOT_LENGTH
        seen = codes[index + 1 - window : index + 1]
        found.append(Edge(slot, cage_id, begins, rule, seen))
    return found


def _add_stored(
    seen: Look, piece: Piece, rules: dict[int, InForce], lasting: Collection[int]
) -> None:
    """Add the edges of cages whose state does not reach back far enough, from stored minutes."""
    ids = sorted(rules)
    for start in range(0, len(ids), STORED_AT_ONCE):
        some = {pk: rules[pk] for pk in ids[start : start + STORED_AT_ONCE]}
        for edges in edges_stored(piece, some, lasting, seen.waiting).values():
            seen.edges += edges


def edges_stored(
    piece: Piece, rules: dict[int, InForce], lasting: Collection[int], waits: Waiting
) -> dict[int, list[Edge]]:
    """{cage id: its edges} of cages, STORED_AT_ONCE at most, from stored minutes; one query.

    rules: {cage id: its rule}. waits: of these cages in the piece.
    """
    if not rules:
        return {}
    lead = max(bad_long.lead_of(rule.bad_long) for rule in rules.values())
    window = Window(piece.first - lead * SLOT_LENGTH, piece.window.end)
    minutes = minutes_of(rules, window)
    return {
        pk: _edges(
            piece,
            pk,
            minutes[pk][lead - bad_long.lead_of(rule.bad_long) :],
            rule,
            pk in lasting,
            waits,
        )
        for pk, rule in rules.items()
    }


def case_of(edge: Edge, state: CageState | None) -> Case:
    """What is known of a cage that has been Bad for long.

    It has been so since the spell of its state began, if that covers the slot; else at least since
    the first Bad reading of the window.
    """
    window = edge.window
    since = edge.slot - (len(window) - 1 - window.index(Minute.BAD)) * SLOT_LENGTH
    is_known = False
    for spell in (state.spell, state.spell_before) if state else ():
        if spell and spell.status == Health.BAD and spell.first <= edge.slot:
            since, is_known = spell.first, spell.begins_known
            break
    return Case(
        Kind.BAD_LONG,
        facts.cage(edge.cage_id),
        edge.rule.edition_id,
        since,
        is_known,
        facts.bad_long(window.count(Minute.BAD), bad_long.known_in(window), len(window)),
        cage_id=edge.cage_id,
    )
