"""What is done to a concern. The only place that changes one; each change has its trail entry.

Every function takes `now` and locks the concern, so that of two people who act at the same time the
second one is told what the first one did. They raise NotOpen for a concern that is closed.

after: the number of the newest trail entry that the person has seen, or None. They raise Overtaken
if another person has changed the life of the concern since.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from cages.models import Cage
from cages.slots import slot_of
from people.acting import because
from people.models import User
from welfare.models import Act, Concern, Ending, Finding, Kind, Look, Reason, TrailEntry
from welfare.models.trail import ACTS_OF_LIFE
from welfare.signals import changed_after_commit

# An acknowledgement ends by itself after this long: a concern is not forgotten before anybody has
# looked.
ACKNOWLEDGED_FOR = timedelta(hours=4)
# A drill that nobody has acknowledged ends by itself after this long.
DRILL_LASTS = timedelta(hours=6)
# When a recheck can be due, in hours from now.
RECHECK_HOURS = (1, 2, 4, 8, 24, 48)
# Concerns that `tidy` changes in one transaction, so that no lock is held for long.
TIDIED_AT_ONCE = 500


class NotOpen(Exception):
    """The concern is closed already."""


class FindingNeeded(Exception):
    """A concern about health cannot be closed without a finding."""


class Overtaken(Exception):
    """Another person was quicker. `entry` says who did what."""

    def __init__(self, entry: TrailEntry) -> None:
        super().__init__(str(entry))
        self.entry = entry


class AlreadyOpen(Exception):
    """There is an open `concern` of this kind about this subject."""

    def __init__(self, concern: Concern) -> None:
        super().__init__(str(concern))
        self.concern = concern


def note(
    concern: Concern,
    act: Act,
    now: datetime,
    person: User | None = None,
    *,
    reason: str = "",
    text: str = "",
    finding: str = "",
    due_at: datetime | None = None,
) -> TrailEntry:
    """Add an entry to the trail."""
    return TrailEntry.objects.create(
        concern=concern,
        act=act,
        at=now,
        person=person,
        by=person.get_username() if person else "",
        reason=reason,
        text=text,
        finding=finding,
        due_at=due_at,
    )


def open_by_hand(
    cage: Cage, person: User, text: str, now: datetime, *, tells: bool = True
) -> Concern:
    """Open a concern that a person has seen at the cage. Raises AlreadyOpen.

    tells: whether somebody may have to be told at once. Nobody is of an invented past.
    """
    subject, kind = f"cage:{cage.pk}", Kind.BY_EYE
    try:
        with transaction.atomic():
            concern = Concern.objects.create(
                kind=kind,
                subject=subject,
                cage=cage,
                raised_slot=slot_of(now),
                raised_at=now,
                since=now,
            )
            note(concern, Act.OPENED, now, person, text=text)
            # What people saw on rounds who may not open one is on the desk with it.
            Look.objects.unopened().filter(cage=cage).update(concern=concern)
            if tells:
                changed_after_commit()
    except IntegrityError:
        # Of two people who saw the same, the second one adds to what the first one opened.
        raise AlreadyOpen(Concern.objects.open().get(subject=subject, kind=kind)) from None
    return concern


def raise_itself(subject: str, since: datetime, now: datetime) -> Concern:
    """Raise a concern of a part of Neurocage, or say of the open one that it is there again."""
    kind = Kind.NEUROCAGE
    open_ones = Concern.objects.open().filter(subject=subject, kind=kind)
    concern = open_ones.select_for_update().first()
    if concern is not None:
        concern.over_slot = None
        concern.save()
        note(concern, Act.AGAIN, now)
        return concern
    concern = Concern.objects.create(
        kind=kind,
        subject=subject,
        raised_slot=slot_of(now),
        raised_at=now,
        since=since,
    )
    note(concern, Act.RAISED, now)
    return concern


def open_drill(subject: str, person: User, now: datetime) -> Concern:
    """Open a concern that only tests whether people are told. One that is still open is closed.

    It is of the kind that a person opens, about no cage, so that whoever takes care of any cage
    may acknowledge it.
    """
    kind = Kind.BY_EYE
    with transaction.atomic():
        before = Concern.objects.open().filter(subject=subject, kind=kind, is_drill=True)
        close_by_itself(list(before.select_for_update()), Ending.BY_HAND, now)
        concern = Concern.objects.create(
            kind=kind,
            subject=subject,
            raised_slot=slot_of(now),
            raised_at=now,
            since=now,
            is_since_known=True,
            is_drill=True,
        )
        note(concern, Act.OPENED, now, person)
        changed_after_commit()
    return concern


def acknowledge(
    concern_id: int,
    person: User,
    reason: Reason,
    text: str,
    now: datetime,
    *,
    after: int | None = None,
) -> Concern:
    """Somebody takes care of it, for ACKNOWLEDGED_FOR. Polling goes on.

    A drill is closed: that somebody was reached is all that it asks.
    """
    with transaction.atomic():
        concern = _locked(concern_id, person, after)
        concern.acknowledged_at, concern.acknowledged_by = now, person
        concern.acknowledged_until = now + ACKNOWLEDGED_FOR
        concern.seen_at = concern.seen_at or now
        note(
            concern,
            Act.ACKNOWLEDGED,
            now,
            person,
            reason=reason,
            text=text,
            due_at=None if concern.is_drill else concern.acknowledged_until,
        )
        if concern.is_drill:
            _close(concern, Ending.BY_HAND, now, person)
        concern.save()
    return concern


def comment(concern_id: int, person: User, text: str, now: datetime) -> Concern:
    """Say something. A closed concern can be commented too."""
    concern = Concern.objects.get(pk=concern_id)
    note(concern, Act.COMMENTED, now, person, text=text)
    return concern


def find(
    concern_id: int,
    person: User,
    finding: Finding,
    text: str,
    now: datetime,
    *,
    recheck_at: datetime | None = None,
    closes: bool = True,
    after: int | None = None,
) -> Concern:
    """Note what was found. It is closed, unless a recheck is planned or `closes` is false.

    text: also the reason that the record of changes has beside the finding.
    """
    with transaction.atomic(), because(text):
        concern = _locked(concern_id, person, after)
        if concern.recheck_at:
            note(concern, Act.RECHECKED, now, person, due_at=concern.recheck_at)
        concern.finding, concern.found_at = finding, now
        concern.seen_at = concern.seen_at or now
        concern.recheck_at = recheck_at
        note(concern, Act.FOUND, now, person, finding=finding, text=text)
        if recheck_at:
            note(concern, Act.PLANNED, now, person, due_at=recheck_at)
        elif closes:
            _close(concern, Ending.FOUND, now, person)
        concern.save()
    return concern


def close(concern_id: int, person: User, now: datetime, *, after: int | None = None) -> Concern:
    """Close it. Raises FindingNeeded for a health concern without a finding."""
    with transaction.atomic():
        concern = _locked(concern_id, person, after)
        if concern.is_health and not concern.finding:
            raise FindingNeeded
        _close(concern, Ending.FOUND if concern.finding else Ending.BY_HAND, now, person)
        concern.save()
    return concern


def tidy(now: datetime) -> None:
    """What is due each minute: acknowledgements and drills end, and lapsed rechecks are noted."""
    end_drills(now)
    end_acknowledgements(now)
    note_lapsed(now)


def end_acknowledgements(now: datetime) -> int:
    """End those whose time is up or whose condition is over. Returns how many."""
    is_due = Q(acknowledged_until__lte=now) | Q(over_slot__isnull=False)
    with transaction.atomic():
        due = Concern.objects.open().exclude(acknowledged_until=None).filter(is_due)
        ended = list(due.select_for_update().order_by("pk")[:TIDIED_AT_ONCE])
        for concern in ended:
            concern.acknowledged_at = concern.acknowledged_by = None
            concern.acknowledged_until = None
            concern.save()
            note(concern, Act.UNACKNOWLEDGED, now)
    return len(ended)


def end_drills(now: datetime) -> int:
    """Close the drills that nobody has acknowledged within DRILL_LASTS. Returns how many."""
    with transaction.atomic():
        due = Concern.objects.open().filter(is_drill=True, raised_at__lte=now - DRILL_LASTS)
        ended = list(due.select_for_update().order_by("pk")[:TIDIED_AT_ONCE])
        close_by_itself(ended, Ending.BY_ITSELF, now)
    return len(ended)


def note_lapsed(now: datetime) -> int:
    """Note, once each, the rechecks that were not done in time. Returns how many."""
    # The same recheck is told once; one that is planned anew is due later than that entry.
    told = TrailEntry.objects.filter(
        concern=OuterRef("pk"), act=Act.LAPSED, due_at=OuterRef("recheck_at")
    )
    noted = 0
    with transaction.atomic():
        due = Concern.objects.open().filter(~Exists(told), recheck_at__lte=now)
        locked = list(due.select_for_update(of=("self",)).order_by("pk")[:TIDIED_AT_ONCE])
        # Read again under the lock: somebody else may have noted some while this waited for it.
        entries = TrailEntry.objects.filter(concern__in=locked, act=Act.LAPSED)
        known = set(entries.values_list("concern", "due_at")) if locked else set()
        for concern in locked:
            if (concern.pk, concern.recheck_at) not in known:
                note(concern, Act.LAPSED, now, due_at=concern.recheck_at)
                noted += 1
    return noted


def close_by_itself(concerns: Iterable[Concern], ending: Ending, now: datetime) -> None:
    """Close concerns that need no finding. They are locked by the caller."""
    for concern in concerns:
        _close(concern, ending, now, None)
        concern.save()


def _locked(concern_id: int, person: User, after: int | None) -> Concern:
    concern = Concern.objects.select_for_update(of=("self",)).get(pk=concern_id)
    if not concern.is_open:
        raise NotOpen
    if after is not None:
        since = TrailEntry.objects.filter(concern=concern, pk__gt=after, act__in=ACTS_OF_LIFE)
        if entry := since.exclude(person=person).exclude(by="").order_by("pk").last():
            raise Overtaken(entry)
    return concern


def _close(concern: Concern, ending: Ending, now: datetime, person: User | None) -> None:
    concern.closed_at, concern.ending = now, ending
    concern.recheck_at = concern.acknowledged_until = None
    note(concern, Act.CLOSED, now, person, text=str(ending.value))
