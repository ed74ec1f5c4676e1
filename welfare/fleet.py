"""The fleet of sensors: how they did when they were last judged, by sensor, rack, room and bay.

`judge_sensors` collects it while it judges, so a page reads few rows however many cages there are.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max, Min

from cages.history.buckets import Bucket
from cages.history.handling import sensors_since
from cages.history.summaries import SensorSummary, Share
from cages.history.window import DAY, HOUR, Window
from cages.models import Rack, Room
from cages.models.place import bay_name
from people.names import sort_key
from welfare.models import RackStanding, SensorStanding, WeakBay
from welfare.models.sensor import COUNTS
from welfare.rules import sensor_weak
from welfare.rules.parameters import SensorWeak
from welfare.rules.sensor_weak import Requests

logger = logging.getLogger(__name__)

WORST_SHOWN = 20
PLACES_SHOWN = 50
BAYS_SHOWN = 20
# A bay with a fault of its own: so many different cages had a weak sensor in it.
CAGES_OF_A_BAD_BAY = 2
# A sensor that was swapped before this has nothing but its own days in its figures.
LOOKED_BACK = SensorWeak().hours * HOUR + (SensorWeak().usual_days + 1) * DAY
# For so long it is known which cages were weak in a bay.
BAYS_KEPT = timedelta(days=90)


class Spot(NamedTuple):
    """Where a cage stands."""

    room_id: int | None
    rack_id: int | None
    row: str
    column: int | None


@dataclass(slots=True)
class _Together:
    """The sensors of one rack, while they are collected."""

    bucket: Bucket
    cages: int = 0
    judged: int = 0
    weak: int = 0


class Collected:
    """What one round of judging has seen. `add` each sensor, then `write`."""

    def __init__(self, hour: datetime) -> None:
        self.hour = hour
        self._racks: dict[tuple[int | None, int | None], _Together] = {}
        self._standings: list[SensorStanding] = []
        self._bays: list[WeakBay] = []

    def add(
        self,
        cage_id: int,
        spot: Spot,
        now: Bucket,
        usual: Bucket,
        is_weak: bool | None,
        parameters: SensorWeak,
    ) -> None:
        """now: the last hours of the sensor; usual: the days before."""
        together = self._racks.setdefault(
            (spot.room_id, spot.rack_id), _Together(Bucket(now.window))
        )
        together.bucket.add(now)
        together.cages += 1
        recent, before = requests_of(now), requests_of(usual)
        is_judged = sensor_weak.has_enough(recent, before, parameters)
        together.judged += is_judged
        together.weak += bool(is_weak)
        self._standings.append(
            SensorStanding(
                cage_id=cage_id,
                hour=self.hour,
                answered=recent.answered,
                requests=recent.count,
                usual_answered=before.answered,
                usual_requests=before.count,
                p50_ms=now.sensor.latency_p50_ms,
                p95_ms=recent.p95_ms,
                usual_p95_ms=before.p95_ms,
                below=sensor_weak.below(recent, before) if is_judged else None,
                is_weak=is_weak,
            )
        )
        if is_weak and spot.rack_id and spot.row and spot.column:
            self._bays.append(
                WeakBay(
                    rack_id=spot.rack_id,
                    row=spot.row,
                    column=spot.column,
                    cage_id=cage_id,
                    first_hour=self.hour,
                    last_hour=self.hour,
                )
            )

    def keep(self) -> None:
        """Write the single sensors that were added since the last time. Two queries."""
        standings, self._standings = self._standings, []
        bays, self._bays = self._bays, []
        columns = [f.name for f in SensorStanding._meta.concrete_fields if not f.primary_key]
        try:
            with transaction.atomic():
                SensorStanding.objects.bulk_create(
                    standings, update_conflicts=True, unique_fields=["cage"], update_fields=columns
                )
                WeakBay.objects.bulk_create(
                    bays,
                    update_conflicts=True,
                    unique_fields=["rack", "row", "column", "cage"],
                    update_fields=["last_hour"],
                )
        except IntegrityError as error:
            # One of the cages was purged meanwhile. The next hour writes the others.
            logger.warning("The figures of %d sensors are not kept: %s", len(standings), error)

    @transaction.atomic
    def write(self) -> None:
        """Replace the figures of racks, and forget what is older than this round."""
        self.keep()
        RackStanding.objects.all().delete()
        RackStanding.objects.bulk_create(
            RackStanding(
                hour=self.hour,
                room_id=room_id,
                rack_id=rack_id,
                cages=one.cages,
                judged=one.judged,
                weak=one.weak,
                latency_ms_max=one.bucket.latency_ms_max,
                **{name: one.bucket.counts[name] for name in COUNTS},
            )
            for (room_id, rack_id), one in self._racks.items()
        )
        # Of cages that are not polled any more.
        SensorStanding.objects.filter(hour__lt=self.hour).delete()
        WeakBay.objects.filter(last_hour__lt=self.hour - BAYS_KEPT).delete()


def requests_of(bucket: Bucket) -> Requests:
    """The requests of one sensor in a span."""
    answered = bucket.sensor.answered
    return Requests(answered.count, answered.total, bucket.sensor.latency_p95_ms)


@dataclass(frozen=True, slots=True)
class PlaceFigures:
    """The sensors of a rack, of a room, or all: `weak` of the `judged`, of `cages` that are polled.

    rack and room: names, "" where there is none. They are of all their sensors together.
    """

    rack_id: int | None
    rack: str
    room_id: int | None
    room: str
    cages: int
    judged: int
    weak: int
    sensor: SensorSummary

    @property
    def weak_share(self) -> Share:
        return Share(self.weak, self.judged)


@dataclass(frozen=True, slots=True)
class BadBay:
    """A bay in which the sensors of different cages were weak."""

    rack_id: int
    rack: str
    room: str
    bay: str
    cages: list[tuple[int, str]]
    first_hour: datetime
    last_hour: datetime


@dataclass(frozen=True, slots=True)
class Fleet:
    """hour: until when the figures reach; None before the first round."""

    hour: datetime | None
    whole: PlaceFigures | None = None
    rooms: list[PlaceFigures] = field(default_factory=list)
    racks: list[PlaceFigures] = field(default_factory=list)
    worst: list[SensorStanding] = field(default_factory=list)
    bays: list[BadBay] = field(default_factory=list)

    @property
    def rooms_shown(self) -> list[PlaceFigures]:
        return self.rooms[:PLACES_SHOWN]

    @property
    def racks_shown(self) -> list[PlaceFigures]:
        return self.racks[:PLACES_SHOWN]


@dataclass(frozen=True, slots=True)
class WorstRacks:
    """shown: the worst of the `count` racks, with places in no rack. hour: as of Fleet."""

    hour: datetime | None
    count: int
    shown: list[PlaceFigures]


def racks(most: int) -> WorstRacks:
    """The `most` worst racks of the last round. One query."""
    rows = _rows()
    return WorstRacks(rows[0].hour if rows else None, len(rows), _by_rack(rows)[:most])


def fleet() -> Fleet:
    """The figures of the last round, worst first. Six queries at most."""
    rows = _rows()
    if not rows:
        return Fleet(None)
    by_room: dict[int | None, list[RackStanding]] = defaultdict(list)
    for row in rows:
        by_room[row.room_id].append(row)
    worst = SensorStanding.objects.exclude(below=None).select_related(
        "cage__room", "cage__rack", "cage__owner"
    )
    ranked = worst.order_by(F("below").desc(nulls_last=True), "cage")
    shown = list(ranked[:WORST_SHOWN])
    swapped = sensors_since([one.cage_id for one in shown], rows[0].hour)
    for one in shown:
        since = swapped.get(one.cage_id)
        one.since = since if since and since > rows[0].hour - LOOKED_BACK else None
    return Fleet(
        rows[0].hour,
        _figures(rows, None, None),
        sorted((_figures(each, each[0].room, None) for each in by_room.values()), key=_worst_first),
        _by_rack(rows),
        shown,
        bad_bays(),
    )


def _rows() -> list[RackStanding]:
    return list(RackStanding.objects.select_related("rack", "room"))


def _by_rack(rows: list[RackStanding]) -> list[PlaceFigures]:
    return sorted((_figures([row], row.room, row.rack) for row in rows), key=_worst_first)


def _figures(rows: Iterable[RackStanding], room: Room | None, rack: Rack | None) -> PlaceFigures:
    rows = list(rows)
    hour = rows[0].hour
    total = Bucket(Window(hour, hour))
    for row in rows:
        counts = Counter({name: getattr(row, name) for name in COUNTS})
        total.add(Bucket(total.window, counts, row.latency_ms_max))
    return PlaceFigures(
        rack.pk if rack else None,
        rack.name if rack else "",
        room.pk if room else None,
        room.name if room else "",
        sum(row.cages for row in rows),
        sum(row.judged for row in rows),
        sum(row.weak for row in rows),
        total.sensor,
    )


def _worst_first(one: PlaceFigures) -> tuple[float, float, list[object] | object, object]:
    answered = one.sensor.answered.percent
    return (
        -(one.weak_share.percent or 0.0),
        101.0 if answered is None else answered,
        sort_key(one.room),
        sort_key(one.rack),
    )


def bad_bays() -> list[BadBay]:
    """The bays in which CAGES_OF_A_BAD_BAY cages or more were weak; the most cages first.

    BAYS_SHOWN at most. Two queries.
    """
    found = (
        WeakBay.objects.values("rack", "row", "column", "rack__name", "rack__room__name")
        .annotate(cages=Count("cage"), first=Min("first_hour"), last=Max("last_hour"))
        .filter(cages__gte=CAGES_OF_A_BAD_BAY)
        .order_by("-cages", "-last", "rack", "row", "column")[:BAYS_SHOWN]
    )
    bays = list(found)
    there: dict[tuple[int, str, int], list[tuple[int, str]]] = defaultdict(list)
    if bays:
        racks = {bay["rack"] for bay in bays}
        rows = WeakBay.objects.filter(rack__in=racks).order_by("-last_hour", "cage")
        for rack, row, column, cage, label in rows.values_list(
            "rack", "row", "column", "cage", "cage__label"
        ):
            there[rack, row, column].append((cage, label))
    return [
        BadBay(
            bay["rack"],
            bay["rack__name"],
            bay["rack__room__name"] or "",
            bay_name(bay["row"], bay["column"]),
            there[bay["rack"], bay["row"], bay["column"]],
            bay["first"],
            bay["last"],
        )
        for bay in bays
    ]
