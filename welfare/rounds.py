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
from django.db.models import Max
from django.utils.dateparse import parse_datetime
from django.utils.timezone import get_default_timezone, is_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages import marking
from cages.history.window import Window
from cages.models import Cage, Mark, MarkKind, Room
from cages.models.cage import CageQuerySet
from cages.models.mark import BuiltIn, MarkQuerySet
from cages.slots import FUTURE_TOLERANCE, is_ahead, slot_of
from neurocage.ids import id_from
from people.access import Access
from people.acting import because
from welfare import desk
from welfare.models import Concern, Look, LookResult, Round
from welfare.models.round import WHY_LENGTH, LookQuerySet

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
            what, why = str(sent.get("what")), str(sent.get("why") or "").strip().replace("\0", "")
            # JSON can hold half of a character, of which the database keeps nothing.
            why.encode()
        except ValueError:
            raise Unclear(_("This is no note of a round.")) from None
        if at is None or not is_aware(at) or what not in (*LookResult.values, *TAPS, UNDO, END):
            raise Unclear(_("This is no note of a round."))
        if len(why) > WHY_LENGTH:
            raise Unclear(_("At most %(count)d characters.") % {"count": WHY_LENGTH})
        one, cage = (id_from(str(sent.get(name) or "")) or 0 for name in ("round", "cage"))
        return cls(key, what, at, round_id=one, cage_id=cage, why=why, of=of)


def begin(room: Room, access: Access, now: datetime) -> Round:
    """Begin a round of the room; the one that the person has under way today goes on.

    One of an earlier day that nobody ended ends by this, with its last note of that day.
    """
    own = Round.objects.under_way().filter(room=room, person=access.person)
    with transaction.atomic():
        for one in own.select_for_update():
            if not goes_on(one, now):
                _leave(one, access, now)
        found, _is_new = Round.objects.get_or_create(
            room=room,
            person=access.person,
            ended_at=None,
            defaults={"by": access.person.get_username(), "begun_at": now},
        )
    return found


def day_of(one: Round) -> Window:
    """The day of the facility on which the round began. It belongs to this day."""
    return Window.whole_day(one.begun_at.astimezone(get_default_timezone()).date())


def goes_on(one: Round, now: datetime) -> bool:
    """Whether a round that nobody ended is still today's."""
    return now < day_of(one).end


def cages_in(room_id: int, access: Access) -> CageQuerySet:
    """The active cages of a room that the person goes through."""
    return access.acknowledges(Cage.objects.active().filter(room=room_id))


@dataclass(frozen=True, slots=True)
class Done:
    """What happened at one cage in a round: the looks and the marks, oldest first."""

    looks: list[Look] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def look(self) -> Look | None:
        """The newest one that counts: whoever skips a cage after a look has still seen it."""
        newest_first = reversed(self.looks)
        return max(newest_first, key=lambda one: one.result != LookResult.SKIPPED, default=None)

    @property
    def seen_by(self) -> list[uuid.UUID]:
        """The keys of what says that somebody saw the animals."""
        looks = [one.key for one in self.looks if one.result != LookResult.SKIPPED]
        return looks + [one.key for one in self.marks if one.sees_animals]

    @property
    def skipped_by(self) -> list[uuid.UUID]:
        """The keys of what says that the cage was skipped."""
        return [one.key for one in self.looks if one.result == LookResult.SKIPPED]

    @property
    def is_seen(self) -> bool:
        return bool(self.seen_by)

    @property
    def is_skipped(self) -> bool:
        return not self.is_seen and bool(self.skipped_by)


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


def standing_of(one: Round, access: Access, now: datetime) -> Standing:
    """How far a round under way is. Three queries."""
    return _standing(_cages_of(one, access, now), list(_looks_of(one)), one)


def result_of(one: Round, seen: CageQuerySet, now: datetime) -> Standing:
    """What came of a round that has ended, of the cages that it was about and that are seen.

    The looks and the marks are those of now: what arrived late, was corrected or was taken back
    counts. Three queries.
    """
    looks = list(_looks_of(one))
    ids = {*one.came_of.get("cages", ()), *(look.cage_id for look in looks)}
    found = seen.filter(pk__in=ids).select_related("room", "rack")
    return _standing(list(found.in_order("position", now)), looks, one)


def _cages_of(one: Round, access: Access, now: datetime) -> list[Cage]:
    """The cages that a round under way is about, in order of rack and bay."""
    found = cages_in(one.room_id, access).select_related("room", "rack").in_order("position", now)
    return list(access.marked(found)[:CAGES_AT_MOST])


def _standing(cages: list[Cage], looks: list[Look], one: Round) -> Standing:
    done = {cage.pk: Done() for cage in cages}
    for look in looks:
        if look.cage_id in done:
            done[look.cage_id].looks.append(look)
    for mark in _marks_of(one).filter(cage__in=list(done)).select_related("kind"):
        done[mark.cage_id or 0].marks.append(mark)
    return Standing([(cage, done[cage.pk]) for cage in cages])


def _looks_of(one: Round) -> LookQuerySet:
    """The looks that were tapped in the round, from its day on until its end, oldest first.

    A device says in which round it was. So a clock that is behind takes no look away.
    """
    looks = one.looks.valid().filter(at__gte=day_of(one).start)
    if one.ended_at:
        looks = looks.filter(at__lte=one.ended_at)
    return looks.order_by("at", "pk")


def _marks_of(one: Round) -> MarkQuerySet:
    """What its person did from its beginning to its end, by the times of the marks, oldest first.

    The clock of a device may be a little behind, as it may be ahead.
    """
    who = {"person": one.person_id} if one.person_id else {"person": None, "by": one.by}
    marks = Mark.objects.valid().filter(starts_at__gte=one.begun_at - FUTURE_TOLERANCE, **who)
    if one.ended_at:
        marks = marks.filter(starts_at__lte=one.ended_at)
    return marks.order_by("starts_at", "pk")


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
    # Locked, so that nobody ends it between this note and what is made of its last one.
    own = Round.objects.select_for_update().filter(person=access.person)
    one = own.filter(pk=item.round_id).first()
    if one is None:
        raise Unclear(_("This round is not yours, or is gone."))
    if item.what == END:
        _end(one, item, access, now)
    elif item.what == UNDO:
        _undo(one, item, access, now)
    else:
        _note(one, item, access, now)


def _end(one: Round, item: Item, access: Access, now: datetime) -> None:
    if one.ended_at is None:
        _close(one, max(item.at, one.begun_at), access, now)
    _move_end(one, item.at)


def _close(one: Round, at: datetime, access: Access, now: datetime, **more: Any) -> None:
    """End it, and keep which cages it was about: they may stand elsewhere tomorrow."""
    cages = [cage.pk for cage in _cages_of(one, access, now) if cage.created_at <= at]
    one.ended_at, one.end_noted_at, one.came_of = at, now, {"cages": cages, **more}
    one.save(update_fields=["ended_at", "end_noted_at", "came_of"])


def _leave(one: Round, access: Access, now: datetime) -> None:
    """End a round of an earlier day that nobody ended: with its last note of that day."""
    end = day_of(one).end
    cages = [cage.pk for cage in _cages_of(one, access, now)]
    looks = _looks_of(one).filter(at__lt=end).aggregate(at=Max("at"))
    marks = _marks_of(one).filter(starts_at__lt=end, cage__in=cages).aggregate(at=Max("starts_at"))
    last = max(filter(None, (one.begun_at, looks["at"], marks["at"])))
    _close(one, last, access, now, was_left=True)


def _move_end(one: Round, at: datetime) -> None:
    """Move the end of a round that nobody ended: this note of its day arrived later."""
    if one.ended_at and one.was_left and one.ended_at < at < day_of(one).end:
        one.ended_at = at
        one.save(update_fields=["ended_at"])


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
        _move_end(one, item.at)
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
    _move_end(one, item.at)


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


def _undo(one: Round, item: Item, access: Access, now: datetime) -> None:
    """Take back what the person noted in the round with the key. Harmless twice.

    Both times are those of the device, which may have waited for the network.
    """
    if item.of is None:
        raise Unclear(_("What is to be undone is not here."))
    look = one.looks.filter(key=item.of, person=access.person).select_related("concern").first()
    if look is not None:
        if not access.acknowledges(Cage.objects.filter(pk=look.cage_id)).exists():
            raise Unclear(_("You may not note anything of this cage, or it is gone."))
        _check_is_recent(look.at, item)
        if Look.objects.valid().filter(pk=look.pk).update(withdrawn_at=now) and look.concern:
            text = _("What was seen on a round was taken back.")
            desk.comment(look.concern.pk, access.person, text, now)
        return
    own = Mark.objects.filter(person=access.person, noted_at__gte=one.begun_at)
    mark = own.with_names().filter(key=item.of).first()
    if mark is None:
        raise Unclear(_("What is to be undone is not here."))
    if not marking.may_correct(mark, access):
        raise Unclear(_("You may not note work at this cage."))
    _check_is_recent(mark.starts_at, item)
    with because(_("Undone at once")):
        marking.withdraw(mark, now)


def _check_is_recent(noted: datetime, item: Item) -> None:
    """Raises Unclear where it is not undone at once."""
    if abs(item.at - noted) > marking.UNDO_WITHIN:
        minutes = {"minutes": marking.UNDO_WITHIN // timedelta(minutes=1)}
        raise Unclear(_("Only what was noted within %(minutes)d minutes is undone here.") % minutes)
