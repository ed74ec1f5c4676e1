"""Which notices are due: from the concerns, and from what was told already.

What was told is kept in `Told`, so that asking again, at any time and by anybody, gives nothing
that was given before. A clock that is set back gives nothing either.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from people.access import Access
from welfare.models import Act, Concern, Ending, Kind, Told, TrailEntry, Why
from welfare.models.notice import TOLD_FIRST, TOLD_LAST
from welfare.notices.duty import DUTY_KINDS, Recipient

# A cage that became silent so long before its place did fell silent with it.
WITH_PLACE = timedelta(minutes=3)
# Reminders come so many minutes after the first message and after each other; the last one repeats.
REMINDER_MINUTES = (30, 60, 120, 240)
# Concerns that ended longer ago are not told of any more.
ENDED_WITHIN = timedelta(days=1)
CONCERNS_AT_MOST = 5000
# What is read of the trails.
ACTS = (Act.AGAIN, Act.BY_EYE, Act.UNACKNOWLEDGED)
# What is told of a concern whose condition does not last. Else it is over.
WHY_OF = {Ending.WITHDRAWN: Why.WITHDRAWN, Ending.NOT_WATCHED: Why.NOT_WATCHED}
# What a silent place explains in its cages.
EXPLAINED_BY_PLACE = frozenset({Kind.UNSEEN, Kind.SENSOR_WEAK})


@dataclass(frozen=True, slots=True)
class Due:
    """A person has to be told of this concern. number: see `Told`.

    after: what it follows, for the next person on duty: an acknowledgement that ended, or a recheck
    that was not done. None: nobody has taken care of it.
    """

    concern: Concern
    why: Why
    episode: int
    number: int = 0
    after: Act | None = None


@dataclass(slots=True)
class Known:
    """The concerns that may have to be told of, and what was told.

    escalates: after so long the next person is told. collects: so long after the first concern a
    message is made of it and of those that followed.
    """

    concerns: list[Concern]
    # {(concern, act): (how often it was done, when the last time)}
    acts: dict[tuple[int, str], tuple[int, datetime]]
    # {(concern, episode, recipient): {(why, number): when}}
    told: dict[tuple[int, int, int], dict[tuple[str, int], datetime]]
    # {(concern, episode): when anybody was first told that it was raised}
    first_told: dict[tuple[int, int], datetime]
    # {concern: when anybody was first asked to look by eye}
    first_asked: dict[int, datetime]
    escalates: timedelta
    collects: timedelta
    places: list[Concern] = field(default_factory=list)

    def of(self, concern: Concern, person_id: int) -> dict[tuple[str, int], datetime]:
        """What the person was told of this episode."""
        return self.told.get((concern.pk, self.episode(concern), person_id), {})

    def episode(self, concern: Concern) -> int:
        """How often the condition has come back."""
        count, _newest = self.acts.get((concern.pk, Act.AGAIN), (0, None))
        return count

    def last(self, concern: Concern, act: Act) -> datetime | None:
        """When this was done the last time, of the acts that ACTS has."""
        _count, newest = self.acts.get((concern.pk, act), (0, None))
        return newest

    def is_found(self, concern: Concern) -> bool:
        """Whether a person has said what was found, and the condition has not come back since."""
        again = self.last(concern, Act.AGAIN)
        found = concern.found_at if concern.finding else None
        return found is not None and (again is None or found >= again)

    def unacknowledged_at(self, concern: Concern) -> datetime | None:
        """When an acknowledgement of this episode ended; None: it has had none that ended."""
        again, ended = self.last(concern, Act.AGAIN), self.last(concern, Act.UNACKNOWLEDGED)
        return ended if ended and (again is None or ended >= again) else None

    def asks_for_eye(self, concern: Concern) -> bool:
        """Whether somebody has to look by eye, and no silent place asks for it."""
        if not concern.needs_eye or not concern.is_open:
            return False
        place = self.place_of(concern)
        return place is None or not (place.lasts and place.is_open)

    def asked_at(self, concern: Concern) -> datetime:
        """When anybody was, or should have been, asked first to look by eye."""
        if asked := self.first_asked.get(concern.pk):
            return asked
        place, noted = self.place_of(concern), self.last(concern, Act.BY_EYE) or concern.raised_at
        # As long as a place explained it, nobody was asked.
        ended = (place.over_slot or place.closed_at) if place else None
        return max(noted, ended) if ended else noted

    def place_of(self, concern: Concern) -> Concern | None:
        """The silent place that explains a concern of a cage in it."""
        if concern.kind not in EXPLAINED_BY_PLACE or concern.cage is None:
            return None
        cage = concern.cage
        for place in self.places:
            is_rack = place.rack_id is not None and place.rack_id == cage.rack_id
            is_room = place.rack_id is None and place.room_id == cage.room_id
            everything = place.rack_id is None and place.room_id is None
            if (is_rack or is_room or everything) and _explains(place, concern):
                return place
        return None


def _explains(place: Concern, concern: Concern) -> bool:
    """Whether the cage fell silent with the place, or while it was silent."""
    began_with_it = concern.since >= place.since - WITH_PLACE
    return began_with_it and (place.over_slot is None or concern.since <= place.over_slot)


def read(now: datetime, escalates: timedelta, collects: timedelta) -> Known:
    """Read what is needed to know what is due. Three queries."""
    newest = Q(closed_at=None) | Q(closed_at__gt=now - ENDED_WITHIN)
    found = Concern.objects.filter(newest).with_places().worst_first()
    concerns = list(found[:CONCERNS_AT_MOST])
    ids = [concern.pk for concern in concerns]
    entries = TrailEntry.objects.filter(concern__in=ids, act__in=ACTS).order_by()
    grouped = entries.values_list("concern", "act").annotate(Count("pk"), Max("at"))
    acts = {(concern, act): (count, newest) for concern, act, count, newest in grouped}
    told: dict[tuple[int, int, int], dict[tuple[str, int], datetime]] = {}
    first: dict[tuple[int, int], datetime] = {}
    asked: dict[int, datetime] = {}
    rows = Told.objects.filter(concern__in=ids).order_by("at")
    for concern, episode, person, why, number, at in rows.values_list(
        "concern", "episode", "recipient", "why", "number", "at"
    ):
        told.setdefault((concern, episode, person), {})[why, number] = at
        if why in (Why.RAISED, Why.BY_EYE):
            first.setdefault((concern, episode), at)
        if why == Why.BY_EYE:
            asked.setdefault(concern, at)
    places = [concern for concern in concerns if concern.kind == Kind.PLACE_SILENT]
    return Known(concerns, acts, told, first, asked, escalates, collects, places)


def due_for(one: Recipient, known: Known, now: datetime) -> list[Due]:
    """What the person has to be told now. One query."""
    found = [due for concern in known.concerns for due in _of(one, concern, known, now)]
    raised = [due for due in found if due.why == Why.RAISED]
    if raised and not any(due.concern.raised_at + known.collects <= now for due in raised):
        found = [due for due in found if due.why != Why.RAISED]
    if not found:
        return []
    ids = [due.concern.pk for due in found]
    seen = Concern.objects.filter(pk__in=ids).seen_by(Access(one.person))
    visible = set(seen.values_list("pk", flat=True))
    return [due for due in found if due.concern.pk in visible]


def _of(one: Recipient, concern: Concern, known: Known, now: datetime) -> Iterator[Due]:
    episode, told = known.episode(concern), known.of(concern, one.person.pk)
    begun = [at for (why, _number), at in told.items() if why in TOLD_FIRST]
    first = min(begun, default=None)
    waits = concern.is_open and not _is_taken(concern)
    turn = _turn(one, concern, known, now)
    if _is_asked(one, concern, known) and (Why.BY_EYE, 0) not in told:
        # It says what the first message says, and more.
        yield Due(concern, Why.BY_EYE, episode)
        return
    # Over before it was told: somebody still has to say what was found.
    is_of_use = concern.is_open and (concern.lasts or concern.needs_finding)
    if first is None and is_of_use and one.is_first_told(concern):
        yield Due(concern, Why.RAISED, episode)
    elif turn and (Why.ESCALATED, turn.number) not in told:
        # Also to somebody who was told before for another reason: now it is their turn.
        yield turn
        return
    if first is None:
        return
    was_ended = any((why, 0) in told for why in TOLD_LAST)
    if not concern.lasts and not was_ended and not _was_closed_before(concern):
        why = WHY_OF[Ending(concern.ending)] if concern.ending in WHY_OF else Why.OVER
        yield Due(concern, why, episode)
    elif waits and not known.is_found(concern):
        number = reminders_until(now - first)
        newest = max((n for why, n in told if why == Why.REMINDER), default=0)
        if number > newest:
            yield Due(concern, Why.REMINDER, episode, number)
    if concern.is_recheck_lapsed(now) and concern.recheck_at:
        number = _number_of(concern.recheck_at)
        # Whose turn it was has been told the same.
        if (Why.RECHECK, number) not in told and (Why.ESCALATED, number) not in told:
            yield Due(concern, Why.RECHECK, episode, number)


def _is_asked(one: Recipient, concern: Concern, known: Known) -> bool:
    """Whether this person is asked to look by eye.

    Also where somebody takes care of it: mending a sensor is not looking at the animals.
    """
    return (
        known.asks_for_eye(concern)
        and not known.is_found(concern)
        and one.is_asked_to_look(concern)
    )


def _turn(one: Recipient, concern: Concern, known: Known, now: datetime) -> Due | None:
    """What this person has to be told because those before them on duty have had their time.

    Each has theirs again from when an acknowledgement has ended. A finding ends the turns, until
    its recheck was not done in time.
    """
    if not one.duty or not concern.is_open or _is_taken(concern):
        return None
    asks = known.asks_for_eye(concern)
    if not asks and concern.kind not in DUTY_KINDS:
        return None
    episode, recheck_at = known.episode(concern), concern.recheck_at
    ended = known.unacknowledged_at(concern)
    number, after = 0, Act.UNACKNOWLEDGED if ended else None
    if known.is_found(concern):
        if recheck_at is None or recheck_at > now:
            return None
        begun, number, after = recheck_at, _number_of(recheck_at), Act.LAPSED
    elif not concern.lasts:
        return None
    elif asks:
        begun, number = known.asked_at(concern), 1
    else:
        raised_at = known.last(concern, Act.AGAIN) or concern.raised_at
        begun = known.first_told.get((concern.pk, episode), raised_at)
    begun = max(begun, ended) if ended else begun
    if now < begun + one.duty * known.escalates:
        return None
    return Due(concern, Why.ESCALATED, episode, number, after)


def _is_taken(concern: Concern) -> bool:
    """Whether it is acknowledged. It is until the end of that is noted, and so can be told."""
    return concern.acknowledged_until is not None


def _number_of(recheck_at: datetime) -> int:
    """The number of a recheck, so that each is told once."""
    return int(recheck_at.timestamp()) // 60


def _was_closed_before(concern: Concern) -> bool:
    """Whether a person had closed it when it was over: nobody waits for that any more."""
    closed, over = concern.closed_at, concern.over_slot
    return closed is not None and over is not None and closed < over


def reminders_until(passed: timedelta) -> int:
    """How many reminders are due when so much time has passed since the first message."""
    minutes, number = passed // timedelta(minutes=1), 0
    for pause in REMINDER_MINUTES[:-1]:
        if minutes < pause:
            return number
        minutes, number = minutes - pause, number + 1
    return number + max(minutes, 0) // REMINDER_MINUTES[-1]
