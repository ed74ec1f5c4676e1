"""What is done to a concern. The only place that changes one; each change has its trail entry.

Every function takes `now` and locks the concern, so that of two people who act at the same time the
second one is told what the first one did. They raise NotOpen for a concern that is closed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from people.models import User
from welfare.models import Act, Concern, Ending, Finding, Reason, TrailEntry

# An acknowledgement ends by itself after this long: a concern is not forgotten before anybody has
# looked.
ACKNOWLEDGED_FOR = timedelta(hours=4)


class NotOpen(Exception):
    """The concern is closed already."""


class FindingNeeded(Exception):
    """A concern about health cannot be closed without a finding."""


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


def acknowledge(concern_id: int, person: User, reason: Reason, text: str, now: datetime) -> Concern:
    """Somebody takes care of it, for ACKNOWLEDGED_FOR. Polling goes on."""
    with transaction.atomic():
        concern = _locked(concern_id)
        concern.acknowledged_at, concern.acknowledged_by = now, person
        concern.acknowledged_until = now + ACKNOWLEDGED_FOR
        concern.seen_at = concern.seen_at or now
        concern.save()
        note(
            concern,
            Act.ACKNOWLEDGED,
            now,
            person,
            reason=reason,
            text=text,
            due_at=concern.acknowledged_until,
        )
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
) -> Concern:
    """Note what was found. It is closed, unless a recheck is planned or `closes` is false."""
    with transaction.atomic():
        concern = _locked(concern_id)
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


def close(concern_id: int, person: User, now: datetime) -> Concern:
    """Close it. Raises FindingNeeded for a health concern without a finding."""
    with transaction.atomic():
        concern = _locked(concern_id)
        if concern.is_health and not concern.finding:
            raise FindingNeeded
        _close(concern, Ending.FOUND, now, person)
        concern.save()
    return concern


def end_acknowledgements(now: datetime) -> int:
    """End those whose time is up or whose condition is over. Returns how many."""
    ended = 0
    with transaction.atomic():
        due = Concern.objects.select_for_update().open().exclude(acknowledged_until=None)
        for concern in due.filter(Q(acknowledged_until__lte=now) | Q(over_slot__isnull=False)):
            concern.acknowledged_at = concern.acknowledged_by = None
            concern.acknowledged_until = None
            concern.save()
            note(concern, Act.UNACKNOWLEDGED, now)
            ended += 1
    return ended


def close_by_itself(concerns: Iterable[Concern], ending: Ending, now: datetime) -> None:
    """Close concerns that need no finding. They are locked by the caller."""
    for concern in concerns:
        _close(concern, ending, now, None)
        concern.save()


def _locked(concern_id: int) -> Concern:
    concern = Concern.objects.select_for_update(of=("self",)).get(pk=concern_id)
    if not concern.is_open:
        raise NotOpen
    return concern


def _close(concern: Concern, ending: Ending, now: datetime, person: User | None) -> None:
    concern.closed_at, concern.ending = now, ending
    concern.recheck_at = concern.acknowledged_until = None
    note(concern, Act.CLOSED, now, person, text=str(ending.value))
