"""The light of the whole facility, where all its rooms have the same schedule."""

from datetime import datetime, time
from typing import Any

from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import JSONObject

from cages.history.light import Runs, runs_of
from cages.history.window import DAY, Window
from cages.models import Cage, LightPeriod, LightSchedule, Room
from cages.slots import slot_of

FIELDS = ("regime", "lights_on", "lights_off", "utc_offset_minutes")


def light_of_facility(now: datetime) -> Runs:
    """The runs from two days before now to one after it; empty where rooms differ. One query.

    Rooms with active cages count. Where one of them has no schedule, or a change is to come within
    the day, they say what is known at `now`.
    """
    cages = Cage.objects.active().filter(room=OuterRef("pk"))
    begun = LightPeriod.objects.filter(room=OuterRef("pk"), starts_at__lte=now)
    told = JSONObject(**{name: f"schedule__{name}" for name in FIELDS})
    present = begun.order_by("-starts_at").values(told=told)[:1]
    rooms = Room.objects.filter(Exists(cages)).annotate(light=Subquery(present)).order_by()
    found = list(rooms.values_list("light", flat=True).distinct()[:2])
    if len(found) != 1 or not found[0] or not found[0]["regime"]:
        return []
    slot = slot_of(now)
    period = LightPeriod(schedule=_schedule(found[0]), starts_at=slot - 2 * DAY)
    return runs_of(period, Window(slot - 2 * DAY, slot + DAY))


def _schedule(told: dict[str, Any]) -> LightSchedule:
    clocks = {
        name: time.fromisoformat(told[name]) if told[name] else None
        for name in ("lights_on", "lights_off")
    }
    return LightSchedule(**{**told, **clocks})
