"""Make what tests need: people, cages, times and minutes on one fixed day.

The day is Monday, 2 March 2026, at a facility in Berlin (UTC+1 on that day).
"""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from cages.models import (
    Animal,
    Cage,
    CageState,
    Health,
    Housing,
    LightPeriod,
    LightSchedule,
    Mark,
    MarkKind,
    Outcome,
    Places,
    PollCycle,
    Rack,
    Room,
)
from cages.models.mark import WITHOUT_ANIMALS, BuiltIn
from cages.polling.recorder import record, record_past
from cages.polling.results import PollResult
from people.models import Membership, User

DAY = date(2026, 3, 2)
FACILITY = ZoneInfo("Europe/Berlin")
PASSWORD = "a long and boring passphrase"
LATENCY_MS = 1500
MINUTE = timedelta(minutes=1)

# Of rows for which a test chooses no id. No test chooses one near it.
FIRST_ID = 1_000_000

_numbers = itertools.count(1)


def at(clock, day=DAY):
    """Return, in UTC, the time when the facility's clock shows "07:02" or "07:02:30"."""
    return datetime.combine(day, time.fromisoformat(clock), FACILITY).astimezone(UTC)


def slot(clock, day=DAY):
    """Return the slot that begins when the facility's clock shows "07:00"."""
    moment = at(clock, day)
    assert (moment.second, moment.microsecond) == (0, 0), f"{clock} is within a slot"
    return moment


def give_out_ids(first=FIRST_ID):
    """Let the database give out ids of cages from this one on. No test's end takes this back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('cages_cage', 'id'), %s, false)", [first]
        )


def make_user(username=None, **fields):
    """Make a person with PASSWORD. `is_staff` is facility staff; `is_superuser` can also purge."""
    username = username or f"person{next(_numbers)}"
    if fields.get("is_superuser"):
        fields.setdefault("is_staff", True)
    return User.objects.create_user(username, password=PASSWORD, **fields)


def make_member(person, lab, role):
    """Give the person a role in the lab."""
    return Membership.objects.create(person=person, lab=lab, role=role)


def make_cage(label=None, owner=None, room="", rack="", row="", column=None, **fields):
    """Make a polled cage, and its owner, room and rack. It was created the day before.

    room, rack: names, or empty.
    """
    cage = Cage(
        label=label or f"Cage {next(_numbers)}",
        owner=owner or make_user(),
        **{"created_at": at("00:00") - timedelta(days=1), **fields},
    )
    cage.stand_in(*Places([(room, rack)]).find(room, rack), row, column)
    cage.save(force_insert=True)
    return cage


def result(cage, status=None, outcome=None, **fields):
    """Return the PollResult of a poll of the cage or cage id; an answer "Ok" by default."""
    outcome = outcome or Outcome.ANSWERED
    if outcome == Outcome.ANSWERED:
        status = Health(status or Health.OK)
    if outcome != Outcome.SKIPPED:
        fields = {"latency_ms": LATENCY_MS, "http_status": outcome.http_status, **fields}
    return PollResult(getattr(cage, "id", cage), outcome, status=status, **fields)


def result_of(cage, ended, **fields):
    """Return the PollResult of a poll that ended as this Health or Outcome."""
    if isinstance(ended, Health):
        return result(cage, ended, **fields)
    if ended == Outcome.SKIPPED:
        fields.pop("latency_ms", None)
    return result(cage, outcome=ended, **fields)


def write_polls(cage, polls):
    """Write many polls at once, each (slot, Health or Outcome, latency in ms).

    Changes neither the cage's state nor the ledger.
    """
    record_past([(slot, result_of(cage, e, latency_ms=ms)) for slot, e, ms in polls])


def record_minute(cage, slot, status=None, outcome=None, **fields):
    """Record one poll through the recorder. It is counted if the ledger has the slot."""
    record(slot, [result(cage, status, outcome, **fields)], now=slot + timedelta(seconds=3))


def record_minutes(cage, first, polls):
    """Record one poll a minute from the slot `first` on.

    Each item is a Health, an Outcome, or None for a minute that was not watched:

        record_minutes(cage, slot("07:00"), [Health.OK, Outcome.TIMEOUT, None, Health.BAD])
    """
    for number, poll in enumerate(polls):
        if poll is not None:
            each = first + number * MINUTE
            record(each, [result_of(cage, poll)], now=each + timedelta(seconds=3))


def bad_for_days(cage, last=None):
    """A state that says: Bad from three days and 2 h before its last slot, three of four known."""
    last = last or slot("07:01")
    return CageState.objects.create(
        cage=cage,
        status=Health.BAD,
        status_since=last - 4439 * MINUTE,
        is_since_known=True,
        reading_slot=last,
        known_count=3330,
        same_count=3330,
        unanswered_count=1110,
        outcome=Outcome.ANSWERED,
        outcome_slot=last,
        outcome_since=last,
    )


def make_cycle(slot, planned, finished=True, **fields):
    """Make a slot's row in the ledger. By default it finished after 3 s with all polls answered."""
    if finished:
        fields = {
            "finished_at": slot + timedelta(seconds=3),
            "duration_ms": 3000,
            "answered": planned,
            **fields,
        }
    return PollCycle.objects.create(slot=slot, planned=planned, **{"started_at": slot, **fields})


def make_schedule(name="12:12 from 07:00", on="07:00", off="19:00", **fields):
    """Make a LightSchedule. Without `on` its light is constant, so name a regime."""
    if on:
        fields |= {"lights_on": time.fromisoformat(on), "lights_off": time.fromisoformat(off)}
    schedule = LightSchedule(name=name, **fields)
    schedule.full_clean()
    schedule.save()
    return schedule


def give_light(place, schedule, since, **fields):
    """Give a room or a cage the schedule from a moment on."""
    at_place = {"room" if isinstance(place, Room) else "cage": place}
    return LightPeriod.objects.create(
        schedule=schedule, starts_at=since, noted_at=since, **at_place, **fields
    )


def kind_of(code):
    """The built-in MarkKind."""
    kind, _ = MarkKind.objects.get_or_create(
        code=code,
        defaults={"name": BuiltIn(code).label, "is_handling": code not in WITHOUT_ANIMALS},
    )
    return kind


def make_mark(place, start, end=None, kind=BuiltIn.HANDLING, **fields):
    """Note a mark of a cage, a rack or a room. kind: a code of a built-in kind."""
    name = {Cage: "cage", Rack: "rack", Room: "room"}[type(place)]
    mark = Mark(
        kind=kind_of(kind),
        starts_at=start,
        ends_at=end or start,
        **{name: place, "by": "anna", "noted_at": start, **fields},
    )
    mark.save()
    return mark


def make_animal(cage, number=None, since=None, until=None, **fields):
    """Make an animal that lives in the cage from the facility's day `since` on."""
    animal = Animal.objects.create(
        number=number or f"M{next(_numbers)}", lab_id=cage.lab_id, **fields
    )
    Housing.objects.create(
        animal=animal, cage=cage, since=since or cage.created_at.date(), until=until
    )
    return animal
