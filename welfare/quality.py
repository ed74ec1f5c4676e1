"""How good the rules are, from what people found, and how many concerns people have to bear.

Drills are never counted. The limits are those of the alarm management standards (EEMUA 191,
ISA-18.2) for one person.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, sqrt
from statistics import median

from cages.history.summaries import Share
from welfare.models import Act, Finding, Kind, TrailEntry
from welfare.models.concern import ConcernQuerySet, real_findings_of

WINDOW_DAYS = (7, 30, 90)
DEFAULT_WINDOW_DAYS = 30
# Of the two-sided 95 % interval.
WILSON_Z = 1.959964
# Open and not acknowledged for longer than this.
STALE_AFTER = timedelta(hours=24)
TOP_CAGES = 10
STALE_SHOWN = 20
# What one person can bear.
SPAN = timedelta(minutes=10)
MOST_IN_SPAN = 1
MOST_A_DAY = 150
# More than this in a span is a flood.
FLOOD_FROM = 10
MOST_FLOOD_PERCENT = 1
# The same concern, raised this often within this time, chatters.
CHATTERS_FROM = 3
CHATTERS_WITHIN = timedelta(hours=1)
# Rows that are read at most, the newest first. A page says so where there are more.
READ_AT_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Times:
    """Durations: how many, their median, and the one that 90 % of them do not exceed."""

    count: int
    median: timedelta | None
    p90: timedelta | None


@dataclass(frozen=True, slots=True)
class RuleQuality:
    """What came of the concerns of one rule. raised = real + not_real + unknown.

    scope: the name of the rule's room or lab, "" for the whole facility. precision: the Share of
    real ones among those with a finding; low and high: its Wilson interval, in percent.
    """

    kind: Kind
    scope: str
    raised: int
    real: int
    not_real: int
    seen: Times
    found: Times

    @property
    def unknown(self) -> int:
        """How many have no finding yet, or closed without one."""
        return self.raised - self.real - self.not_real

    @property
    def precision(self) -> Share:
        return Share(self.real, self.real + self.not_real)

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.real, self.real + self.not_real)


@dataclass(frozen=True, slots=True)
class Load:
    """What one person who sees all these concerns had to bear.

    spans: how many of SPAN there are; crowded: those with more than MOST_IN_SPAN; flooded: those
    with more than FLOOD_FROM. worst_day: the most within one UTC day. chattering: how many
    concerns were raised CHATTERS_FROM times within CHATTERS_WITHIN.
    """

    raised: int
    a_day: float
    worst_day: int
    worst_span: int
    crowded: Share
    flooded: Share
    chattering: int

    @property
    def is_day_borne(self) -> bool:
        return self.worst_day <= MOST_A_DAY

    @property
    def is_span_borne(self) -> bool:
        return self.worst_span <= MOST_IN_SPAN

    @property
    def is_flood_borne(self) -> bool:
        return 100 * self.flooded.count < MOST_FLOOD_PERCENT * self.flooded.total


@dataclass(frozen=True, slots=True)
class Quality:
    """top_cages: [(id, label, count)]. is_cut: only the newest READ_AT_MOST were read."""

    rules: list[RuleQuality]
    top_cages: list[tuple[int, str, int]]
    load: Load
    is_cut: bool


def wilson(count: int, total: int) -> tuple[float, float] | None:
    """The 95 % interval of a share, in percent (Wilson 1927); None without any."""
    if not total:
        return None
    z2 = WILSON_Z**2
    centre = (count + z2 / 2) / (total + z2)
    half = WILSON_Z * sqrt(count * (total - count) / total + z2 / 4) / (total + z2)
    return max(100 * (centre - half), 0.0), min(100 * (centre + half), 100.0)


def times_of(durations: Iterable[timedelta]) -> Times:
    ordered = sorted(durations)
    if not ordered:
        return Times(0, None, None)
    middle = timedelta(seconds=median(one.total_seconds() for one in ordered))
    return Times(len(ordered), middle, ordered[ceil(0.9 * len(ordered)) - 1])


def quality_of(concerns: ConcernQuerySet, start: datetime, end: datetime) -> Quality:
    """Of the concerns raised from `start` up to `end`. Two queries."""
    raised = concerns.counted().filter(raised_at__gte=start, raised_at__lt=end)
    columns = ("kind", "edition__rule", "edition__rule__room__name", "edition__rule__lab__name")
    times = ("raised_at", "seen_at", "found_at", "finding", "cage", "cage__label")
    rows = list(raised.order_by("-raised_at").values_list(*columns, *times)[: READ_AT_MOST + 1])
    is_cut, rows = len(rows) > READ_AT_MOST, rows[:READ_AT_MOST]
    by_rule = defaultdict(list)
    cages: Counter[tuple[int, str]] = Counter()
    for kind, rule, room, lab, *rest in rows:
        by_rule[kind, rule, room or lab or ""].append(rest)
        if rest[4]:
            cages[rest[4], rest[5]] += 1
    kinds = list(Kind.values)
    ordered = sorted(by_rule, key=lambda key: (kinds.index(key[0]), key[2]))
    return Quality(
        [_quality(Kind(key[0]), key[2], by_rule[key]) for key in ordered],
        [(*cage, count) for cage, count in cages.most_common(TOP_CAGES)],
        load_of(_moments(concerns, start, end), start, end),
        is_cut,
    )


def _quality(kind: Kind, scope: str, rows: Sequence[Sequence]) -> RuleQuality:
    real = real_findings_of(kind)
    findings = [Finding(finding) for _r, _s, _f, finding, *_cage in rows if finding]
    return RuleQuality(
        kind,
        scope,
        len(rows),
        sum(finding in real for finding in findings),
        sum(finding not in real for finding in findings),
        times_of(seen - at for at, seen, *_rest in rows if seen),
        times_of(found - at for at, _s, found, *_rest in rows if found),
    )


def _moments(
    concerns: ConcernQuerySet, start: datetime, end: datetime
) -> list[tuple[datetime, str]]:
    """[(when, what)] of everything that was raised, also again, oldest first."""
    acts = (Act.RAISED, Act.OPENED, Act.AGAIN)
    entries = TrailEntry.objects.filter(act__in=acts, at__gte=start, at__lt=end)
    entries = entries.filter(concern__in=concerns.counted().order_by().values("pk"))
    rows = entries.order_by("-at").values_list("at", "concern__subject", "concern__kind")
    return [(at, f"{kind} {subject}") for at, subject, kind in rows[:READ_AT_MOST]][::-1]


def load_of(moments: Sequence[tuple[datetime, str]], start: datetime, end: datetime) -> Load:
    """moments: [(when, what)], oldest first, all within `start` and `end`."""
    spans = Counter((at - start) // SPAN for at, _what in moments)
    days = Counter(at.date() for at, _what in moments)
    count = max(ceil((end - start) / SPAN), 1)
    return Load(
        len(moments),
        len(moments) / max((end - start) / timedelta(days=1), 1e-9),
        max(days.values(), default=0),
        max(spans.values(), default=0),
        Share(sum(number > MOST_IN_SPAN for number in spans.values()), count),
        Share(sum(number > FLOOD_FROM for number in spans.values()), count),
        _chattering(moments),
    )


def _chattering(moments: Sequence[tuple[datetime, str]]) -> int:
    by_what = defaultdict(list)
    for at, what in moments:
        by_what[what].append(at)
    further = CHATTERS_FROM - 1
    return sum(
        any(
            later - first < CHATTERS_WITHIN
            for first, later in zip(each, each[further:], strict=False)
        )
        for each in by_what.values()
    )


def stale_in(concerns: ConcernQuerySet, now: datetime) -> ConcernQuerySet:
    """Open ones that nobody has acknowledged, found or closed for STALE_AFTER, the oldest first."""
    stale = concerns.counted().open().filter(raised_at__lte=now - STALE_AFTER, seen_at=None)
    return stale.with_places().order_by("raised_at", "pk")
