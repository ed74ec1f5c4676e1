"""The eyes-on ledger: on which days somebody looked at which cage.

Each cage and calendar day of the facility is one of three: looked at, not looked at, not housed.
A look is one on a round, work at the cage that sees its animals, or what a person wrote on the desk
that says they had looked.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from django.db.models import Q
from django.utils import timezone

from cages.history.buckets import Bucket
from cages.history.window import DAY, Window
from cages.models import Cage, CageEvent, Housing, Mark
from cages.models.event import EventKind
from welfare.models import Act, Concern, Finding, Kind, Look, Reason, TrailEntry

# By then each cage is to have been looked at.
LOOKED_BY = time(16, 0)
# What these say was found at the sensor, or leaves open whether anybody saw the animals.
SEEN_FINDINGS = sorted(set(Finding) - {Finding.SENSOR, Finding.OTHER})
SATURDAY = 5


class Eyes(StrEnum):
    LOOKED_AT = "looked_at"
    NOT_LOOKED_AT = "not_looked_at"
    NOT_HOUSED = "not_housed"


@dataclass(frozen=True, slots=True)
class Sight:
    """Somebody saw the animals of a cage."""

    at: datetime
    by: str


# {cage id: {facility day: its Sights, oldest first}}
Sights = dict[int, dict[date, list[Sight]]]


def sights_of(cage_ids: Iterable[int], window: Window) -> Sights:
    """What was seen in the window; three queries."""
    ids = list(cage_ids)
    looks = Look.objects.seeing().filter(cage__in=ids, at__gte=window.start, at__lt=window.end)
    marks = Mark.objects.seeing().filter(
        cage__in=ids,
        starts_at__gte=window.start,
        starts_at__lt=window.end,
    )
    looked = Q(act=Act.FOUND, finding__in=SEEN_FINDINGS)
    looked |= Q(act=Act.ACKNOWLEDGED, reason=Reason.LOOKED)
    entries = TrailEntry.objects.filter(
        looked,
        concern__cage__in=ids,
        concern__is_drill=False,
        at__gte=window.start,
        at__lt=window.end,
    )
    rows = [
        *looks.values_list("cage", "at", "by"),
        *marks.values_list("cage", "starts_at", "by"),
        *entries.order_by().values_list("concern__cage", "at", "by"),
    ]
    zone = timezone.get_default_timezone()
    found: Sights = defaultdict(lambda: defaultdict(list))
    for cage_id, at, by in sorted(rows, key=lambda row: row[1]):
        found[cage_id][at.astimezone(zone).date()].append(Sight(at, by))
    return found


class Housed:
    """On which days cages were housed. Two queries for all of them.

    Not before the day on which a cage was created, nor after the one on which it was archived,
    until it was restored. Where animals are recorded: not on days without any, from the first
    record on.
    """

    def __init__(self, cages: Sequence[Cage]) -> None:
        ids = [cage.pk for cage in cages]
        self._created = {cage.pk: _day(cage.created_at) for cage in cages}
        self._away: dict[int, list[tuple[date, date | None]]] = defaultdict(list)
        kinds = (EventKind.ARCHIVED, EventKind.RESTORED)
        events = CageEvent.objects.filter(cage__in=ids, kind__in=kinds).order_by("at", "pk")
        for cage_id, kind, at in events.values_list("cage", "kind", "at"):
            spans = self._away[cage_id]
            if kind == EventKind.ARCHIVED:
                spans.append((_day(at), None))
            elif spans:
                spans[-1] = (spans[-1][0], _day(at))
        for cage in cages:
            if cage.archived_at and not self._away[cage.pk]:
                self._away[cage.pk].append((_day(cage.archived_at), None))
        self._animals: dict[int, list[tuple[date, date | None]]] = defaultdict(list)
        homes = Housing.objects.filter(cage__in=ids).order_by("since")
        for cage_id, since, until in homes.values_list("cage", "since", "until"):
            self._animals[cage_id].append((since, until))

    def on(self, cage_id: int, day: date) -> bool:
        if day < self._created[cage_id]:
            return False
        # The day of an archiving and that of a restoring are still the cage's.
        away = self._away[cage_id]
        if any(since < day and (until is None or day < until) for since, until in away):
            return False
        homes = self._animals[cage_id]
        if not homes or day < homes[0][0]:
            return True
        return any(since <= day and (until is None or day < until) for since, until in homes)


def _day(moment: datetime) -> date:
    return moment.astimezone(timezone.get_default_timezone()).date()


def eyes_of(sights: Sequence[Sight], is_housed: bool) -> Eyes:
    """Whoever says that they looked has looked, whatever is recorded of the animals."""
    if sights:
        return Eyes.LOOKED_AT
    return Eyes.NOT_LOOKED_AT if is_housed else Eyes.NOT_HOUSED


@dataclass(slots=True)
class DayOfCages:
    """One day over many cages: cages = looked at + not looked at + not housed.

    The machine's ledger of the same day, over the cages that were housed: minutes = known + not
    answered + not watched.
    """

    day: date
    eyes: Counter[Eyes] = field(default_factory=Counter)
    minutes: int = 0
    watched: int = 0
    known: int = 0

    @property
    def looked_at(self) -> int:
        return self.eyes[Eyes.LOOKED_AT]

    @property
    def not_looked_at(self) -> int:
        return self.eyes[Eyes.NOT_LOOKED_AT]

    @property
    def not_housed(self) -> int:
        return self.eyes[Eyes.NOT_HOUSED]

    @property
    def housed(self) -> int:
        return self.looked_at + self.not_looked_at

    @property
    def cages(self) -> int:
        return self.eyes.total()

    @property
    def is_weekend(self) -> bool:
        return self.day.weekday() >= SATURDAY

    def add_machine(self, bucket: Bucket) -> None:
        self.minutes += bucket.minutes
        self.watched += bucket.minutes - bucket.health.not_watched
        self.known += bucket.known


@dataclass(frozen=True, slots=True)
class Ledger:
    """days: oldest first. by_cage: {cage id: one Eyes for each of the days}."""

    days: list[DayOfCages]
    by_cage: dict[int, list[Eyes]]
    sights: Sights
    housed: Housed


def ledger_of(cages: Sequence[Cage], window: Window, housed: Housed | None = None) -> Ledger:
    """The ledger of these cages on the facility's days of the window. At most five queries."""
    sights, housed = sights_of([cage.pk for cage in cages], window), housed or Housed(cages)
    days = [DayOfCages(day) for day, _part in window.days()]
    by_cage = {}
    for cage in cages:
        own = sights.get(cage.pk, {})
        by_cage[cage.pk] = [
            eyes_of(own.get(one.day, ()), housed.on(cage.pk, one.day)) for one in days
        ]
        for one, eyes in zip(days, by_cage[cage.pk], strict=True):
            one.eyes[eyes] += 1
    return Ledger(days, by_cage, sights, housed)


def add_machine(ledger: Ledger, buckets: dict[int, list[Bucket]]) -> None:
    """Add what the machine saw on the same days. buckets: one a day, from `buckets_of`."""
    for cage_id, of_days in buckets.items():
        parts = zip(ledger.days, ledger.by_cage[cage_id], of_days, strict=True)
        for one, eyes, bucket in parts:
            if eyes != Eyes.NOT_HOUSED:
                one.add_machine(bucket)


@dataclass(slots=True)
class Weekday:
    """Concerns about health that were raised on one day of the week, against the looks on it.

    days: how many such days there were. looked_at of housed: cages on these days.
    """

    number: int
    days: int = 0
    concerns: int = 0
    looked_at: int = 0
    housed: int = 0

    @property
    def is_weekend(self) -> bool:
        return self.number >= SATURDAY


def weekdays_of(ledger: Ledger, cages: Sequence[Cage], window: Window) -> list[Weekday]:
    """Monday first; one query."""
    found = [Weekday(number) for number in range(7)]
    for one in ledger.days:
        weekday = found[one.day.weekday()]
        weekday.days += 1
        weekday.looked_at += one.looked_at
        weekday.housed += one.housed
    kinds = [kind for kind in Kind if kind.is_health]
    raised = Concern.objects.counted().filter(
        kind__in=kinds,
        cage__in=[cage.pk for cage in cages],
        raised_slot__gte=window.start,
        raised_slot__lt=window.end,
    )
    for slot in raised.values_list("raised_slot", flat=True):
        found[_day(slot).weekday()].concerns += 1
    return found


@dataclass(frozen=True, slots=True)
class Missed:
    """A cage that nobody had looked at by the hour. looked_at: when somebody did later, or None."""

    cage: Cage
    looked_at: datetime | None


def missed_today(ledger: Ledger, cages: Sequence[Cage], now: datetime) -> list[Missed]:
    """The cages housed on the last day of the ledger without a look by LOOKED_BY, or by now."""
    day = ledger.days[-1].day
    limit = datetime.combine(day, LOOKED_BY, timezone.get_default_timezone())
    missed = []
    for cage in cages:
        if ledger.by_cage[cage.pk][-1] == Eyes.NOT_HOUSED:
            continue
        own = ledger.sights.get(cage.pk, {}).get(day, [])
        first = own[0].at if own else None
        if first is None or first > min(limit, now):
            missed.append(Missed(cage, first))
    return missed


def whole_days(first: date, last: date) -> Window:
    """From the first day up to the end of the last one, which may be under way."""
    return Window(Window.whole_day(first).start, Window.whole_day(last).end)


def days_back(count: int, now: datetime) -> Window:
    """The last `count` days of the facility, today included."""
    today = _day(now)
    return whole_days(today - (count - 1) * DAY, today)
