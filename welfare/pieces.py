"""The slots that are judged together, and the gate that lets one judge in at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cages.history.window import Window
from cages.slots import SLOT_LENGTH, slot_of
from welfare.models import Kind, Rule, RuleEdition
from welfare.rules.scopes import Scopes


@dataclass(frozen=True, slots=True)
class Piece:
    """Slots from `first` to `last`, both included, with one edition of each rule in force."""

    first: datetime
    last: datetime
    scopes: Scopes

    @property
    def slots(self) -> int:
        return (self.last - self.first) // SLOT_LENGTH + 1

    @property
    def window(self) -> Window:
        return Window(self.first, self.last + SLOT_LENGTH)


def gate() -> None:
    """Wait until no other transaction judges, and keep others out until this one ends.

    It holds the rule of Neurocage itself, which an administrator can still edit meanwhile.
    """
    rules = Rule.objects.filter(kind=Kind.NEUROCAGE, room=None, lab=None)
    if rules.select_for_update(no_key=True).first() is None:
        Rule.objects.create(kind=Kind.NEUROCAGE)


def pieces(first: datetime, last: datetime) -> Iterator[Piece]:
    """The slots from `first` to `last`, both included, cut where an edition came or went."""
    cuts = {first}
    changes = RuleEdition.objects.exclude(in_force_since=None)
    for name in ("in_force_since", "ended_at"):
        span = {f"{name}__gt": first, f"{name}__lte": last}
        for moment in changes.filter(**span).values_list(name, flat=True):
            # The first slot that is judged by it, if it is not a full minute.
            slot = slot_of(moment)
            cuts.add(slot if slot == moment else min(slot + SLOT_LENGTH, last))
    begins = sorted(cuts)
    for begin, end in zip(begins, [*begins[1:], last + SLOT_LENGTH], strict=True):
        yield Piece(begin, end - SLOT_LENGTH, Scopes.at(begin))
