"""Rounds: which cages are due, what a device tells of them, and what came of a round.

A device tells items, each with a key and the time of its own clock. They may arrive late and more
than once; each is carried out once. What cannot be kept is refused with words, and the device keeps
it.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages import marking
from cages.models import Cage, Mark, MarkKind, Room
from cages.models.cage import CageQuerySet
from cages.models.mark import BuiltIn
from cages.slots import is_ahead, slot_of
from neurocage.ids import id_from
from people.access import Access
from people.acting import because
from welfare import desk
from welfare.models import Concern, Look, LookResult, Round
from welfare.models.round import WHY_LENGTH

# What is noted as a mark with one tap in a round.
TAPS = (BuiltIn.CAGE_CHANGE, BuiltIn.FOOD, BuiltIn.WATER)
UNDO, END = "undo", "end"
# In one request; a device sends the rest in the next one.
ITEMS_AT_MOST = 50
CAGES_AT_MOST = 1000
# A device may have waited for the network for so long. What is older is not believed.
OLDEST = timedelta(days=14)
WHY_SKIPPED = (
    gettext_lazy("Could not be reached"),
    gettext_lazy("Not to be disturbed"),
    gettext_lazy("Not there"),
)


class Unclear(Exception):
    """The item says nothing that could be carried out. `str` says why, in the reader's words."""


@dataclass(frozen=True, slots=True)
class Item:
    """One tap. what: a LookResult, one of TAPS, UNDO or END. of: the key of what is undone."""

    key: uuid.UUID
    what: str
    at: datetime
    round_id: int
    cage_id: int = 0
    why: str = ""
    of: uuid.UUID | None = None

    @classmethod
    def read(cls, sent: Any) -> "Item":
        """Read what a device sent. Raises Unclear."""
        if not isinstance(sent, dict):
            raise Unclear(_("This is no note of a round."))
        try:
            key = uuid.UUID(str(sent.get("key")))
            of = uuid.UUID(str(sent["of"])) if sent.get("of") else None
            at = parse_datetime(str(sent.get("at")))
        except ValueError:
            raise Unclear(_("This is no note of a round.")) from None
        what, why = str(sent.get("what")), str(sent.get("why") or "").strip().replace("\0", "")
        if at is None or not is_aware(at) or what not in (*LookResult.values, *TAPS, UNDO, END):
            raise Unclear(_("This is no note of a round."))
        if len(why) > WHY_LENGTH:
            raise Unclear(_("At most %(count)d characters.") % {"count": WHY_LENGTH})
        one, cage = (id_from(str(sent.get(name) or "")) or 0 for name in ("round", "cage"))
        return cls(key, what, at, round_id=one, cage_id=cage, why=why, of=of)


def begin(room: Room, access: Access, now: datetime) -> Round:
    """Begin a round of the room; the one that the person has under way goes on."""
    found, _is_new = Round.objects.get_or_create(
        room=room,
        person=access.person,
        ended_at=None,
        defaults={"by": access.person.get_username(), "begun_at": now},
    )
    return found


def cages_in(room_id: int, access: Access) -> CageQuerySet:
    """The cages of a room that the person goes through, in order of rack and bay."""
    return access.acknowledges(Cage.objects.active().filter(room=room_id))


@dataclass(frozen=True, slots=True)
class Done:
    """What happened at one cage in a round: the newest look, and the marks, oldest first."""

    look: Look | None = None
    marks: list[Mark] = field(default_factory=list)

    @property
    def is_seen(self) -> bool:
        """Whether somebody saw the animals."""
        looked = self.look is not None and self.look.result != LookResult.SKIPPED
        return looked or any(mark.sees_animals for mark in self.marks)

    @property
    def is_skipped(self) -> bool:
        return not self.is_seen and self.look is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a round is. cages: in their order, each with its Done."""

    cages: list[tuple[Cage, Done]]

    @property
    def seen(self) -> int:
        return sum(done.is_seen for _cage, done in self.cages)

    @property
    def skipped(self) -> list[tuple[Cage, Done]]:
        return [(cage, done) for cage, done in self.cages if done.is_skipped]

    @property
    def left(self) -> list[Cage]:
        """Those that nobody looked at or skipped."""
        return [cage for cage, done in self.cages if not done.is_seen and not done.is_skipped]

    @property
    def kept(self) -> dict[str, Any]:
        """What stays of it: `Round.came_of`."""
        return {
            "seen": [cage.pk for cage, done in self.cages if done.is_seen],
            "skipped": [
                [cage.pk, done.look.why if done.look else ""] for cage, done in self.skipped
            ],
            "left": [cage.pk for cage in self.left],
        }

    @property
    def unopened(self) -> list[Cage]:
        """Those with a concern that is not on the desk."""
        return [
            cage
            for cage, done in self.cages
            if done.look and done.look.result == LookResult.CONCERN and not done.look.concern_id
        ]


def standing_of(one: Round, access: Access, now: datetime) -> Standing:
    """What was done in the round so far. Three queries."""
    found = cages_in(one.room_id, access).select_related("room", "rack").in_order("position", now)
    cages = list(access.marked(found)[:CAGES_AT_MOST])
    looks: dict[int, Look] = {}
    for look in one.looks.valid().order_by("at", "pk"):
        before = looks.get(look.cage_id)
        # Whoever skips a cage after a look has still seen it.
        if before is None or look.result != LookResult.SKIPPED:
            looks[look.cage_id] = look
    marks: dict[int, list[Mark]] = {}
    for mark in _marks_of(one).filter(cage__in=[cage.pk for cage in cages]):
        marks.setdefault(mark.cage_id or 0, []).append(mark)
    return Standing([(cage, Done(looks.get(cage.pk), marks.get(cage.pk, []))) for cage in cages])


def _marks_of(one: Round) -> Any:
    """The marks of its person that arrived while it was under way, oldest first."""
    marks = Mark.objects.valid().filter(person=one.person_id, noted_at__gte=one.begun_at)
    if one.end_noted_at:
        marks = marks.filter(noted_at__lte=one.end_noted_at)
    return marks.select_related("kind").order_by("starts_at", "pk")


def carry_out(items: Iterable[Item], access: Access, now: datetime) -> list[tuple[Item, str]]:
    """[(item, why it is refused, or "")]: carry them out in their order, each once.

    One that is refused does not hold up those after it.
    """
    answers = []
    for item in items:
        try:
            with transaction.atomic():
                _carry_out(item, access, now)
            answers.append((item, ""))
        except Unclear as error:
            answers.append((item, str(error)))
        except ValidationError as error:
            answers.append((item, " ".join(error.messages)))
    return answers


def _carry_out(item: Item, access: Access, now: datetime) -> None:
    if is_ahead(item.at, now):
        raise Unclear(
            _("The clock of this device is ahead. Set it; then this is sent again by itself.")
        )
    if item.at < now - OLDEST:
        raise Unclear(_("This is older than %(days)d days.") % {"days": OLDEST.days})
    one = Round.objects.filter(pk=item.round_id, person=access.person).first()
    if one is None:
        raise Unclear(_("This round is not yours, or is gone."))
    if item.what == END:
        _end(one, item, access, now)
    elif item.what == UNDO:
        _undo(item, access, now)
    else:
        _note(one, item, access, now)


def _end(one: Round, item: Item, access: Access, now: datetime) -> None:
    """End it, and keep which cages it was about: they may stand elsewhere tomorrow."""
    if one.ended_at:
        return
    standing = standing_of(one, access, now)
    Round.objects.under_way().filter(pk=one.pk).update(
        ended_at=max(item.at, one.begun_at), end_noted_at=now, came_of=standing.kept
    )


def _note(one: Round, item: Item, access: Access, now: datetime) -> None:
    cages = access.acknowledges(Cage.objects.filter(pk=item.cage_id))
    cage = access.marked(cages).first()
    if cage is None:
        raise Unclear(_("You may not note anything of this cage, or it is gone."))
    if item.what in TAPS:
        if not cage.is_handled:  # type: ignore[attr-defined]
            raise Unclear(_("You may not note work at this cage."))
        kind = MarkKind.objects.get(code=item.what)
        marking.note(cage, kind, marking.Times(item.at, item.at), access, now, item.key)
        return
    if item.at < slot_of(cage.created_at):
        raise Unclear(_("The cage did not exist then."))
    skipped = item.what == LookResult.SKIPPED
    look, is_new = Look.objects.get_or_create(
        key=item.key,
        defaults={
            "cage": cage,
            "round": one,
            "at": item.at,
            "result": item.what,
            "why": item.why if skipped else "",
            "person": access.person,
            "by": access.person.get_username(),
            "noted_at": now,
        },
    )
    if is_new and item.what == LookResult.CONCERN:
        look.concern = tell_desk(cage, access, now)
        look.save(update_fields=["concern"])


def tell_desk(cage: Cage, access: Access, now: datetime) -> Concern | None:
    """Bring a concern from a round to the desk: open one by hand, or add to an open one.

    Who may not open one adds words to an open one about health. Without any the look waits until
    somebody opens one (`Look.objects.unopened`). Returns the concern, or None.
    """
    text = _("Seen on a round.")
    if access.finds(Cage.objects.filter(pk=cage.pk)).exists():
        try:
            return desk.open_by_hand(cage, access.person, text, now)
        except desk.AlreadyOpen as error:
            return desk.comment(error.concern.pk, access.person, text, now)
    about = Concern.objects.open().counted().filter(cage=cage).worst_first()
    concern = next((one for one in about if one.is_health), None)
    return desk.comment(concern.pk, access.person, text, now) if concern else None


def _undo(item: Item, access: Access, now: datetime) -> None:
    """Take back what the person noted with the key. Harmless twice."""
    if item.of is None:
        raise Unclear(_("What is to be undone is not here."))
    look = Look.objects.filter(key=item.of, person=access.person).select_related("concern").first()
    if look is not None:
        if Look.objects.valid().filter(pk=look.pk).update(withdrawn_at=now) and look.concern:
            text = _("What was seen on a round was taken back.")
            desk.comment(look.concern.pk, access.person, text, now)
        return
    mark = Mark.objects.filter(key=item.of, person=access.person).first()
    if mark is not None:
        with because(_("Undone at once")):
            marking.withdraw(mark, now)
        return
    raise Unclear(_("What is to be undone is not here."))
