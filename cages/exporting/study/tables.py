"""What stands beside the minutes of cages: events, marks, light schedules and animals, as CSV."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cages.exporting import dictionary
from cages.exporting.at_minutes import BATCH
from cages.exporting.columns import CAGE, Column
from cages.exporting.files import Pieces, csv_of
from cages.exporting.marks import COLUMNS as MARKS
from cages.exporting.marks import row_of
from cages.history.handling import marks_of
from cages.history.light import light_of
from cages.history.window import DAY, Window
from cages.models import Animal, CageEvent, Housing, LightPeriod

EVENTS = [
    *CAGE,
    Column("at_utc", "moment", _("When it was done.")),
    Column("event", "text", _("moved, paused, resumed, archived, restored, joined (another lab).")),
    Column("before", "text", _("The position before, or the lab.")),
    Column("after", "text", _("The position afterwards, or the lab.")),
]
SCHEDULES = [
    Column("schedule_version", "integer", _("What the minutes refer to.")),
    Column("schedule", "text", _("The name of the light schedule. Empty: none was known.")),
    Column("regime", "text", _("cycle, dark or light.")),
    Column("lights_on", "text", _("When the lights go on, on the schedule's clock.")),
    Column("lights_off", "text", _("When the lights go off, on the schedule's clock.")),
    Column("utc_offset_minutes", "integer", _("Its clock minus UTC. Empty: facility time.")),
    Column("room", "text", _("The room that has it. Empty: a cage of its own.")),
    Column("cage_id", "integer", _("The cage that has it. Empty: the cages of a room.")),
    Column("valid_from_utc", "moment", _("From when on, until the next one of the same place.")),
    Column("note", "text", _("What was written about it.")),
]
ANIMALS = [
    *CAGE,
    Column("animal", "text", _("The number of the animal.")),
    Column("sex", "text", _("f or m. Empty: not known.")),
    Column("born", "text", _("The day of its birth.")),
    Column("strain", "text", _("The strain.")),
    Column("genotype", "text", _("The genotype.")),
    Column("protocol", "text", _("The number of the protocol.")),
    Column("group", "text", _("The group.")),
    Column("since", "text", _("The first day in this cage.")),
    Column(
        "until", "text", _("The first day no longer in this cage. Empty: not within these days.")
    ),
]


@dataclass(frozen=True, slots=True)
class More:
    """A table that another app adds to study packages.

    about: what the file is, in English. rows: its rows in batches, made of the cages and the window
    of a Tables; it counts what `sentence` tells of them for the methods. item: what the file is for
    an item of ARRIVE 2.0.
    """

    about: str
    columns: list[Column]
    rows: "Callable[[Tables, Counter[str]], Iterator[list[tuple[Any, ...]]]]"
    sentence: Callable[[Counter[str]], str]
    item: str


# {name of the file: the table}. Another app puts its own here when it is ready.
MORE: dict[str, More] = {}
FILES = {"events": EVENTS, "schedules": SCHEDULES, "animals": ANIMALS}
dictionary.OTHER_FILES.update(FILES)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of some cages, (id, label), in a window. Each yields its rows, names first.

    They are read in batches of cages, with a fixed number of queries for each.
    """

    cages: list[tuple[int, str]]
    window: Window
    around: timedelta = timedelta()

    def pieces(self, name: str) -> Pieces:
        """The pieces of the CSV file of this name."""
        columns = {**FILES, "marks": MARKS}[name]
        return _csv(columns, getattr(self, name)())

    def more(self, name: str, counts: Counter[str]) -> Pieces:
        """The pieces of the CSV file of this name among MORE."""
        return _csv(MORE[name].columns, MORE[name].rows(self, counts))

    def events(self) -> Iterator[list[tuple[Any, ...]]]:
        """All events up to the end of the window: those before it say what it began with."""
        for batch in self.batches():
            events = CageEvent.objects.filter(cage__in=batch, at__lt=self.window.end)
            found = events.order_by("cage", "at", "id")
            names = ("cage_id", "at", "kind", "before", "after")
            yield [
                (cage_id, batch[cage_id], _moment(at), *rest)
                for cage_id, at, *rest in found.values_list(*names)
            ]

    def marks(self) -> Iterator[list[tuple[Any, ...]]]:
        """The valid marks that count for the cages, those of racks and rooms once."""
        seen: set[int] = set()
        for batch in self.batches():
            found = marks_of(batch, self.window, self.around)
            marks = {mark.pk: mark for each in found.values() for mark in each}
            yield [row_of(marks[pk]) for pk in sorted(set(marks) - seen)]
            seen |= set(marks)

    def schedules(self) -> Iterator[list[tuple[Any, ...]]]:
        """Each schedule_version that occurs in the minutes."""
        versions: set[int] = set()
        for batch in self.batches():
            versions |= {period.pk for period in self.periods(batch)}
        periods = LightPeriod.objects.filter(pk__in=versions).order_by("pk")
        yield [_schedule(one) for one in periods.select_related("schedule", "room")]

    def animals(self) -> Iterator[list[tuple[Any, ...]]]:
        """Who lived in the cages within the days of the window."""
        first = timezone.localtime(self.window.start).date()
        last = timezone.localtime(self.window.end - timedelta(minutes=1)).date()
        for batch in self.batches():
            housings = Housing.objects.of(batch).filter(since__lte=last)
            found = [one for one in housings if one.until is None or one.until > first]
            found.sort(key=lambda one: one.cage_id)
            yield [_animal(one, batch[one.cage_id], last) for one in found]

    def periods(self, cage_ids: Iterable[int]) -> set[LightPeriod]:
        """The periods of light that these cages follow in the window. Two queries."""
        found = light_of(cage_ids, self.window)
        return {run.period for runs in found.values() for run in runs if run.period}

    def batches(self) -> Iterator[dict[int, str]]:
        """{cage id: label} of the cages, in BATCHes."""
        for first in range(0, len(self.cages), BATCH):
            yield dict(self.cages[first : first + BATCH])


def _csv(columns: list[Column], batches: Iterator[list[tuple[Any, ...]]]) -> Pieces:
    yield csv_of([[column.name for column in columns]]).encode()
    for rows in batches:
        yield csv_of(rows).encode()


def _schedule(period: LightPeriod) -> tuple[Any, ...]:
    schedule = period.schedule
    told: tuple[Any, ...] = (None,) * 5
    if schedule:
        clocks = (schedule.lights_on, schedule.lights_off)
        times = (f"{clock:%H:%M}" if clock else None for clock in clocks)
        told = (schedule.name, schedule.regime, *times, schedule.utc_offset_minutes)
    room = period.room.name if period.room else None
    return (period.pk, *told, room, period.cage_id, _moment(period.starts_at), period.note)


def _animal(housing: Housing, label: str, last: date) -> tuple[Any, ...]:
    # Who left later was still there then, and the same days give the same file.
    until = housing.until if housing.until and housing.until <= last + DAY else None
    return (housing.cage_id, label, *about_animal(housing.animal), housing.since, until)


def about_animal(animal: Animal) -> tuple[str | None, ...]:
    """Return what ANIMALS has of the animal itself, from its number to its group."""
    born = animal.born_on.isoformat() if animal.born_on else None
    told = (animal.number, animal.sex, born, animal.strain, animal.genotype)
    return (*told, animal.protocol, animal.group)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
