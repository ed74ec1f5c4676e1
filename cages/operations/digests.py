"""A day's digest, chained with the day before: what was recorded cannot be changed unseen.

A UTC day is closed CLOSES_AFTER its end, when its late results are there. Its digest is that of all
its polls and of everything that was noted on it. `verify` makes the digests anew and tells what
differs. Whoever owns the database could make a whole new chain, so the newest digest is on /ops/
and in the log, to be kept elsewhere.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, When

from cages.models import Cage, CageDigest, DayDigest, Outcome, Poll, PollCycle, RetentionChange
from cages.storage import POLLS, digests, purge
from cages.storage.digests import DAY, Different
from neurocage.ids import LARGEST_ID
from people.models import Change

logger = logging.getLogger(__name__)

# Results arrive at most 70 minutes after their cycle was closed. The rest is for a day on which
# nothing could be written.
CLOSES_AFTER = timedelta(hours=26)
# Half a million polls: a second or two.
CAGES_A_PIECE = 350
# Shorter than the time after which the message goes to another worker.
SECONDS_A_RUN = 60.0
TOLD_AT_MOST = 1000
# The fields of a poll that are in a digest.
OF_A_POLL = ("slot", "outcome", "status", "latency_ms", "http_status", "detail")

_Row = dict[str, Any]


def close_days(now: datetime, seconds: float = SECONDS_A_RUN) -> int:
    """Close the days that are due, the oldest first; returns how many were closed.

    It ends after the given seconds and goes on with the same day when it is called again.
    """
    ends_at, closed = time.monotonic() + seconds, 0
    for day in _due(now):
        if not _close(day, now, lambda: time.monotonic() > ends_at):
            break
        closed += 1
    return closed


def _due(now: datetime) -> Iterator[date]:
    """The days that are to be closed, in their order."""
    last = DayDigest.objects.order_by("day").values_list("day", flat=True).last()
    day = last + DAY if last else _first_day()
    while day and digests.bounds_of(day)[1] + CLOSES_AFTER <= now:
        yield day
        day += DAY


def _first_day() -> date | None:
    cycle = PollCycle.objects.order_by("slot").values_list("slot", flat=True).first()
    noted = Change.objects.order_by("at").values_list("at", flat=True).first()
    moments = [moment for moment in (cycle, noted) if moment]
    return min(moments).astimezone(UTC).date() if moments else None


def _close(day: date, now: datetime, is_over: Callable[[], bool]) -> bool:
    """Whether the day is closed; False where the time was over before."""
    for first, last in _pieces(after=CageDigest.objects.last_of(day)):
        digests.keep(connection, day, first, last)
        if is_over():
            return False
    with transaction.atomic():
        cages, polls, polls_digest = digests.of_day(connection, day)
        changes, changes_digest = digests.of_changes(connection, day)
        found = DayDigest(
            day=day,
            closed_at=now,
            cages=cages,
            polls=polls,
            changes=changes,
            polls_digest=polls_digest,
            changes_digest=changes_digest,
        )
        found.chain = _chain(_chain_before(day), found)
        # Another worker may have closed it in this moment.
        _, is_new = DayDigest.objects.get_or_create(
            day=day, defaults={f.attname: getattr(found, f.attname) for f in found._meta.fields}
        )
    if is_new:
        logger.info("The digest of %s is %s (%d polls)", day, found.chain, found.polls)
    return True


def _pieces(after: int = 0) -> Iterator[tuple[int, int]]:
    """(first, last) id of a cage, so that no more than CAGES_A_PIECE cages are in between.

    The last piece goes up to the largest id there can be, for cages that are not there any more.
    """
    first = after + 1
    while True:
        ids = Cage.objects.filter(pk__gte=first).order_by("pk").values_list("pk", flat=True)
        last = next(iter(ids[CAGES_A_PIECE - 1 : CAGES_A_PIECE]), None)
        yield first, last or LARGEST_ID
        if last is None:
            return
        first = last + 1


def _chain_before(day: date) -> str:
    found = DayDigest.objects.filter(day=day - DAY).values_list("chain", flat=True).first()
    return found or ""


def _chain(before: str, found: DayDigest) -> str:
    """What a day's digest is: fixed for good, as every later day depends on it."""
    told = (before, found.day.isoformat(), str(found.cages), str(found.polls), str(found.changes))
    return sha256(" ".join((*told, found.polls_digest, found.changes_digest)).encode()).hexdigest()


class Kind(StrEnum):
    """What `verify` tells of. Only the first three are differences."""

    CHAIN = "chain"
    POLLS = "polls"
    CHANGES = "changes"
    LATE = "late"
    PURGED = "purged"
    RETENTION = "retention"

    @property
    def is_difference(self) -> bool:
        return self in (Kind.CHAIN, Kind.POLLS, Kind.CHANGES)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one day, in English. cage_id: None where it is about the whole day."""

    kind: Kind
    day: date
    words: str
    cage_id: int | None = None


def verify(first: date | None, last: date | None, now: datetime) -> Iterator[Finding]:
    """Make the digests of the closed days anew and yield what there is to tell, day by day.

    first, last: both included; None for all. At most TOLD_AT_MOST cages of a piece are told.
    """
    days = DayDigest.objects.order_by("day")
    days = days.filter(day__gte=first) if first else days
    days = days.filter(day__lte=last) if last else days
    gone = _Gone(now)
    expected: date | None = None
    for found in days.iterator(chunk_size=100):
        if expected and found.day != expected:
            yield Finding(Kind.CHAIN, expected, "the digest of this day is missing")
        expected = found.day + DAY
        yield from _chain_of(found)
        for piece in _pieces():
            for one in digests.compare(connection, found.day, *piece, TOLD_AT_MOST):
                yield gone.explained(found.day, one) or _difference(found.day, one)


def _chain_of(found: DayDigest) -> Iterator[Finding]:
    cages, polls, polls_digest = digests.of_day(connection, found.day)
    if (cages, polls, polls_digest) != (found.cages, found.polls, found.polls_digest):
        yield Finding(Kind.CHAIN, found.day, "the kept digests of its cages were changed")
    changes, changes_digest = digests.of_changes(connection, found.day)
    if (changes, changes_digest) != (found.changes, found.changes_digest):
        words = f"what was noted of changes differs: {found.changes} lines then, {changes} now"
        yield Finding(Kind.CHANGES, found.day, words)
    if found.chain != _chain(_chain_before(found.day), found):
        yield Finding(Kind.CHAIN, found.day, "its digest does not follow from the day before")


def _difference(day: date, one: Different) -> Finding:
    then = "no digest" if one.polls_kept is None else f"{one.polls_kept} polls"
    hour = one.first_hour
    begins = f", first in the hour from {hour:02d}:00 UTC" if hour is not None else ""
    words = f"{then} then, {one.polls_found or 0} polls now{begins}"
    noted = Change.objects.of_row(POLLS, one.cage_id).filter(words__startswith=day.isoformat())
    # What is no late result comes first.
    of_late = Case(When(before__outcome=Outcome.SKIPPED, then=1), default=0)
    if line := noted.order_by(of_late, "pk").first():
        who = line.by or line.role
        words += f"; a change of {line.words} is noted, by {who} through {line.through or 'psql'}"
    return Finding(Kind.POLLS, day, words, one.cage_id)


class _Gone:
    """Tells what Neurocage itself changed, and noted, from what nobody may change."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.decisions = list(RetentionChange.objects.order_by("at", "pk"))

    def explained(self, day: date, one: Different) -> Finding | None:
        if one.polls_found is None:
            if self._is_purged(one.cage_id, day):
                return Finding(Kind.PURGED, day, "the cage was purged, as is noted", one.cage_id)
            if self._is_older_than_kept(day):
                words = "minutes this old are not kept, as was decided"
                return Finding(Kind.RETENTION, day, words, one.cage_id)
        elif Cage.objects.filter(pk=one.cage_id).exclude(purge_ordered_at=None).exists():
            return Finding(Kind.PURGED, day, "the cage is being purged", one.cage_id)
        elif one.digest and (count := self._late_results(day, one)):
            return Finding(Kind.LATE, day, f"{count} results that came late", one.cage_id)
        return None

    def _is_purged(self, cage_id: int, day: date) -> bool:
        """Whether its deletion was ordered by a person and noted, after the day.

        A cage that has the id since then is another one.
        """
        if Cage.objects.filter(pk=cage_id).exclude(purge_ordered_at=None).exists():
            return True
        _, end = digests.bounds_of(day)
        return purge.deletions_of(cage_id).filter(at__gte=end).exists()

    def _is_older_than_kept(self, day: date) -> bool:
        _, end = digests.bounds_of(day)
        for number, decision in enumerate(self.decisions):
            later = self.decisions[number + 1 : number + 2]
            in_force_until = later[0].at if later else self.now
            kept = decision.keep_days
            if kept is not None and end <= in_force_until - timedelta(days=kept):
                return True
        return False

    def _late_results(self, day: date, one: Different) -> int:
        """How many noted results that took the place of a skipped poll explain the difference.

        0 where they do not. Each of their polls changed once, from skipped to what stands there
        now, and with the polls that stood there before the digest must be as it was.
        """
        noted = Change.objects.of_row(POLLS, one.cage_id).filter(words__startswith=day.isoformat())
        before: dict[datetime, _Row] = {}
        after: dict[datetime, _Row] = {}
        # One more than a day has slots, so that some slot comes twice where there are more.
        for change in noted.order_by("pk")[: 24 * 60 + 1]:
            was, became = _row(change.before), _row(change.after)
            is_late = was["outcome"] == Outcome.SKIPPED != became["outcome"]
            if not is_late or was["slot"] in before or not _is_same_poll(change):
                return 0
            before[was["slot"]], after[was["slot"]] = was, became
        if not before:
            return 0
        start, end = digests.bounds_of(day)
        polls = Poll.objects.filter(cage=one.cage_id, slot__gte=start, slot__lt=end)
        rows = list(polls.values(*OF_A_POLL))
        if any(row != after.get(row["slot"], row) for row in rows):
            return 0
        rows = [before.get(row["slot"], row) for row in rows]
        return len(before) if digests.digest_of(rows) == one.digest else 0


def _row(noted: _Row) -> _Row:
    """A poll as it was noted, with the fields that are in a digest."""
    row = {name: noted[name] for name in OF_A_POLL}
    return {**row, "slot": datetime.fromisoformat(row["slot"])}


def _is_same_poll(change: Change) -> bool:
    return all(change.before[name] == change.after[name] for name in ("slot", "cage_id"))
