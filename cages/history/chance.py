"""Whether a cycle was answered less often than chance allows, and in which racks."""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import exp, lgamma, log
from statistics import median
from typing import Any

from django.core.cache import cache
from django.db.models import Case, Count, Max, Q, When
from django.db.models.functions import Substr
from redis.exceptions import RedisError

from cages.models import Cage, Minute, PollCycle
from cages.models.cage import CageQuerySet
from cages.models.minute import KNOWN
from cages.models.state import MINUTES_KEPT
from cages.slots import SLOT_LENGTH

# By chance alone, one cycle in a million is told to be too silent: one in two years.
PROBABILITY = 1e-6
# What sensors are expected to answer where nothing is known of a facility, and how many polls of
# its own outweigh that.
USUAL_SHARE, USUAL_WEIGHT = 0.75, 20
# The facility's own share is the median of these days, so that a fault of three days is not usual.
# One cycle an hour is enough: 168 rows are read, each by its key.
BASELINE_DAYS = 7
KEPT_SECONDS = 300
RACKS_KEPT = 200
RACKS_NAMED = 3


@dataclass(frozen=True, slots=True)
class SilentRack:
    """A rack of which too few sensors answered in one cycle."""

    rack: str
    room: str
    answered: int
    asked: int
    rack_id: int | None = None
    # Its last answer, where nothing in it answers any more.
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A cycle with too few answers: in all, or in the `racks`.

    usual: the facility's own share of answers, from 0 to 1. racks: the most silent first,
    RACKS_KEPT at most.
    """

    answered: int
    asked: int
    usual: float
    is_everywhere: bool
    racks: tuple[SilentRack, ...] = ()

    @property
    def expected(self) -> int:
        return round(self.asked * self.usual)

    @property
    def is_total(self) -> bool:
        """Whether no sensor answered at all, as when their gateway is away."""
        return not self.answered

    @property
    def named(self) -> tuple[SilentRack, ...]:
        """The racks that a page names."""
        return self.racks[:RACKS_NAMED]

    def within(self, rack_ids: Collection[int]) -> "Silence | None":
        """What it says to a person who sees these racks only; None if that is nothing."""
        racks = tuple(rack for rack in self.racks if rack.rack_id in rack_ids)
        return replace(self, racks=racks) if racks or self.is_everywhere else None


def is_too_few(answered: int, asked: int, share: float, tests: int = 1) -> bool:
    """Whether so few answers are beyond chance, where each poll is answered with probability share.

    tests: how many are made of one cycle; each then has its part of PROBABILITY (Bonferroni).
    """
    if not asked or answered >= asked * share:
        return False
    return _lower_tail(answered, asked, share) < PROBABILITY / max(tests, 1)


def is_too_many(found: int, total: int, share: float, probability: float) -> bool:
    """Whether `found` of `total` are beyond chance, where each is found with probability share.

    probability: that it is said by chance alone.
    """
    if not total or found <= total * share:
        return False
    # A share of 0 makes any number impossible; the logarithm needs more than 0.
    return _lower_tail(total - found, total, 1 - max(share, 1e-12)) < probability


def _lower_tail(count: int, total: int, share: float) -> float:
    """The chance of at most `count` of `total`, each with probability share (binomial).

    count: below the mean.
    """
    chance = lgamma(total + 1) - lgamma(count + 1) - lgamma(total - count + 1)
    chance += count * log(share) + (total - count) * log(1 - share)
    tail = term = exp(chance)
    # Below the mean each term is smaller than the one before it, so the sum ends soon.
    for number in range(count, 0, -1):
        term *= number / (total - number + 1) * (1 - share) / share
        tail += term
        if term < tail * 1e-9:
            break
    return tail


def usual_share(now: datetime) -> float:
    """The share of asked polls, between 0 and 1, that the facility's sensors answer; one query."""
    newest = now.replace(minute=0, second=0, microsecond=0)
    slots = [newest - timedelta(hours=hour) for hour in range(24 * BASELINE_DAYS)]
    # A cycle without any answer says nothing about sensors: the way to them was closed.
    cycles = PollCycle.objects.finished().filter(slot__in=slots, answered__gt=0)
    days: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for slot, answered, planned, skipped in cycles.values_list(
        "slot", "answered", "planned", "skipped"
    ):
        days[(newest - slot).days].append((answered, planned - skipped))
    shares = [_share(sum(a for a, _ in one), sum(n for _, n in one)) for one in days.values()]
    return median(shares) if shares else USUAL_SHARE


def _share(answered: int, asked: int) -> float:
    # A ledger that does not balance may count more answers than polls.
    answered = min(answered, asked)
    return (answered + USUAL_SHARE * USUAL_WEIGHT) / (asked + USUAL_WEIGHT)


def silence_of(cycle: PollCycle, now: datetime) -> Silence | None:
    """What a finished cycle says of the sensors, or None where chance explains it.

    Two queries, once for each cycle: Redis keeps the answer for the other pages. Without Redis it
    is found anew each time.
    """
    key = f"silence:{cycle.slot:%Y-%m-%dT%H:%M}:{cycle.planned}:{cycle.answered}"
    try:
        kept = cache.get(key)
        if kept is None:
            kept = json.dumps(_packed(_silence_of(cycle, now)))
            cache.set(key, kept, KEPT_SECONDS)
        return _unpacked(json.loads(kept))
    except (RedisError, KeyError, TypeError, ValueError):
        # Redis is away, or something else has written there.
        return _silence_of(cycle, now)


def _packed(silence: Silence | None) -> dict[str, Any]:
    """As JSON can hold it; empty for None."""
    if silence is None:
        return {}
    racks = [
        {**asdict(rack), "since": rack.since and rack.since.isoformat()} for rack in silence.racks
    ]
    return {**asdict(silence), "racks": racks}


def _unpacked(facts: dict[str, Any]) -> Silence | None:
    """What `_packed` was given. Raises KeyError, TypeError and ValueError for anything else."""
    if not facts:
        return None
    racks = (
        SilentRack(**{**rack, "since": rack["since"] and datetime.fromisoformat(rack["since"])})
        for rack in facts["racks"]
    )
    return Silence(**{**facts, "racks": tuple(racks)})


def _silence_of(cycle: PollCycle, now: datetime) -> Silence | None:
    usual = usual_share(now)
    everywhere = is_too_few(cycle.answered, cycle.asked, usual)
    racks = silent_racks(Cage.objects.polled(), cycle.slot, usual)
    if not everywhere and not racks:
        return None
    return Silence(cycle.answered, cycle.asked, usual, everywhere, tuple(racks[:RACKS_KEPT]))


def silent_racks(cages: CageQuerySet, slot: datetime, usual: float) -> list[SilentRack]:
    """The racks that were too silent in this slot, the most silent first; one query."""
    # The next cycle may have begun to write states; the minute is then the last but one.
    code = Case(
        When(state__outcome_slot=slot, then=Substr("state__minutes", MINUTES_KEPT, 1)),
        When(
            state__outcome_slot=slot + SLOT_LENGTH,
            then=Substr("state__minutes", MINUTES_KEPT - 1, 1),
        ),
    )
    known = [str(minute.value) for minute in KNOWN]
    asked = cages.annotate(code=code).filter(code__in=[*known, str(Minute.NO_ANSWER.value)])
    answered = Count("pk", filter=Q(code__in=known))
    rows = list(
        asked.order_by()
        .exclude(rack=None)
        .values("rack_id", "rack__name", "rack__room__name")
        .annotate(asked=Count("pk"), answered=answered, since=Max("state__reading_slot"))
    )
    found = [
        SilentRack(
            row["rack__name"],
            row["rack__room__name"] or "",
            row["answered"],
            row["asked"],
            row["rack_id"],
            None if row["answered"] else row["since"],
        )
        for row in rows
        if is_too_few(row["answered"], row["asked"], usual, len(rows))
    ]
    return sorted(found, key=lambda rack: (rack.answered - rack.asked, rack.rack_id or 0))
