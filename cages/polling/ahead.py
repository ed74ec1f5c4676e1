"""What was recorded ahead of now, while a clock was wrong, and how it gives way.

When a clock that was set forward is set back, cycles, polls and states are left that lie ahead of
now. Nobody can tell from them which clock was right, so they stay until a person removes them
(`manage.py remove_ahead`), with two exceptions: a state shows only what is not ahead, and a slot
whose time comes is asked.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from cages.history.minutes import Minute, minutes_of
from cages.history.window import Window
from cages.models import CageState, Poll, PollCycle
from cages.models.cycle import from_ranges
from cages.polling.states import LOOKED_AT, SPELL_FIELDS, restate
from cages.slots import FUTURE_TOLERANCE, SLOT_LENGTH

logger = logging.getLogger(__name__)

# A slot is released as soon as it is less than this ahead. Each minute looks two slots further
# than FUTURE_TOLERANCE, so that a missed minute does not leave a slot behind.
RELEASED_WITHIN = FUTURE_TOLERANCE + 2 * SLOT_LENGTH
STATES_AT_ONCE = 500
# 100,000 states in one minute.
MOST_BATCHES = 200
STATE_FIELDS = (
    *("outcome", "outcome_slot", "outcome_since", "minutes", "day", "day_known"),
    *SPELL_FIELDS,
)


def keep_to_the_present(now: datetime) -> None:
    """Set back states that are ahead of now, and release the slots of the next minutes.

    It is called each minute. Two queries where nothing is ahead.
    """
    for cycle in PollCycle.objects.ahead(now).filter(slot__lte=now + RELEASED_WITHIN):
        logger.warning("%s, but this minute is still to come. It is asked anew.", cycle)
        remove(cycle.slot)
    ahead = CageState.objects.filter(outcome_slot__gt=now + FUTURE_TOLERANCE).order_by("pk")
    count = 0
    for _ in range(MOST_BATCHES):
        ids = list(ahead.values_list("pk", flat=True)[:STATES_AT_ONCE])
        if not ids:
            break
        _set_back(ids, now + FUTURE_TOLERANCE)
        count += len(ids)
    if count:
        logger.warning("The states of %d cages were ahead of now and were set back", count)


@transaction.atomic
def remove(slot: datetime) -> int:
    """Remove a slot's cycle and its polls. Returns the number of polls; 0 without such a cycle.

    States are not changed: `keep_to_the_present` sets them back.
    """
    cycle = PollCycle.objects.select_for_update().filter(slot=slot).first()
    if cycle is None:
        return 0
    # By id, because no index leads by slot.
    polls = Poll.objects.filter(slot=slot, cage__in=from_ranges(cycle.planned_ids))
    removed, _ = polls.delete()
    cycle.delete()
    return removed


@transaction.atomic
def _set_back(cage_ids: Iterable[int], latest: datetime) -> None:
    """Make states equal to the stored minutes up to the slot `latest`.

    Spells are told from the last LOOKED_AT before a cage's newest poll. They are "at least" so long
    where they began earlier.
    """
    states = CageState.objects.filter(pk__in=cage_ids, outcome_slot__gt=latest)
    # In the recorder's order, so that the two cannot wait for each other.
    locked = list(states.select_for_update().order_by("pk").values_list("pk", flat=True))
    known, unknown = defaultdict(list), []
    for row in _newest_polls(locked, latest):
        if row["slot"] is None:
            unknown.append(row["pk"])
        else:
            known[row["slot"]].append(row)
    # Nothing was recorded of these cages before the clock was wrong.
    CageState.objects.filter(pk__in=unknown).delete()
    for slot, rows in known.items():
        window = Window(slot + SLOT_LENGTH - LOOKED_AT, slot + SLOT_LENGTH)
        minutes = minutes_of([row["pk"] for row in rows], window)
        CageState.objects.bulk_update(
            [_state_of(row, minutes[row["pk"]], window) for row in rows], STATE_FIELDS
        )


def _newest_polls(cage_ids: list[int], latest: datetime) -> Iterable[Mapping[str, Any]]:
    """For each cage its newest poll and its newest reading up to `latest`; one query.

    Rows of pk, slot, last (the outcome), reading_at and reading.
    """
    polls = Poll.objects.filter(cage=OuterRef("pk"), slot__lte=latest).order_by("-slot")

    def first(found: QuerySet[Poll], name: str) -> Subquery:
        return Subquery(found.values(name)[:1])

    return (
        CageState.objects.filter(pk__in=cage_ids)
        .values("pk")
        .annotate(
            slot=first(polls, "slot"),
            last=first(polls, "outcome"),
            reading_at=first(polls.answered(), "slot"),
            reading=first(polls.answered(), "status"),
        )
    )


def _state_of(row: Mapping[str, Any], minutes: bytes, window: Window) -> CageState:
    """The state, unsaved, that a cage's minutes say; row: of `_newest_polls`."""
    state = CageState(
        cage_id=row["pk"],
        outcome=row["last"],
        outcome_slot=row["slot"],
        outcome_since=row["slot"],
        known_count=0,
        same_count=0,
        unanswered_count=0,
        silent_count=minutes.count(Minute.NO_ANSWER),
        is_since_known=False,
    )
    restate(state, minutes, window.start)
    if state.status is None and row["reading"] is not None:
        # Older than what was looked at.
        state.status = row["reading"]
        state.reading_slot = state.status_since = row["reading_at"]
        state.known_count = state.same_count = 1
    return state
