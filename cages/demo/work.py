"""The animals of the generated facility, and the work at its cages, racks and rooms."""

import random
import uuid
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from cages.demo.minutes import MINUTES_A_DAY
from cages.exporting.study.order import Exclusion, StudyOrder
from cages.history.handling import margin
from cages.history.window import DAY, Window
from cages.models import Animal, Cage, Housing, Mark, MarkKind, Study
from cages.models.animal import Sex
from cages.models.mark import BuiltIn
from cages.slots import SLOT_LENGTH
from people.models import User

CONTROL, TREATED = "control", "treated"
GENOTYPES = ("wt/wt", "wt/tg")
PROTOCOLS = ("P-2026-011", "P-2026-023")
# One cage of so many gives one of its animals to the next cage in the middle of the time.
MOVING_OF = 30
# Each rack has its weekday for cage changes; a cage takes so many minutes.
CHANGE_MINUTES = 3
WEIGHED_OF = 10
STUDY_CAGES, STUDY_DAYS = 8, 14
# {day: [(number of the cage, minute of the day from the window's start)]}
Handled = dict[int, list[tuple[int, int]]]


def is_treated(index: int) -> bool:
    """Whether the cage with this number from 0 is of the treated group."""
    return index % 2 == 1


def swap_minute(days: int) -> int:
    """When the worn sensors were swapped, in minutes since the start."""
    return int(days * 0.7) * MINUTES_A_DAY + 600


def make_animals(cages: list[Cage], window: Window, seed: int) -> None:
    """One row an animal, in the cage from the day that the cage was there."""
    chance = random.Random(seed)  # noqa: S311  (a story, not a secret)
    first = timezone.localtime(window.start).date()
    middle = first + (window.minutes // MINUTES_A_DAY // 2) * DAY
    animals, housings = [], []
    for index, cage in enumerate(cages):
        sex = Sex.FEMALE if index // 2 % 2 else Sex.MALE
        since = timezone.localtime(cage.created_at).date()
        born = since - chance.randint(60, 200) * DAY
        for number in range(cage.animal_count or 0):
            animal = Animal(
                lab_id=cage.lab_id,
                number=f"{sex.value.upper()}{index + 1:04}-{number + 1}",
                sex=sex,
                born_on=born,
                strain=cage.strain,
                genotype=GENOTYPES[index // 4 % 2],
                protocol=PROTOCOLS[index // 50 % 2],
                group=TREATED if is_treated(index) else CONTROL,
            )
            animals.append(animal)
            moves = index % MOVING_OF == 1 and number == 1 and index + 1 < len(cages)
            if moves and since < middle:
                housings.append(Housing(animal=animal, cage=cage, since=since, until=middle))
                housings.append(Housing(animal=animal, cage=cages[index + 1], since=middle))
            else:
                housings.append(Housing(animal=animal, cage=cage, since=since))
    Animal.objects.bulk_create(animals, batch_size=2000)
    Housing.objects.bulk_create(housings, batch_size=2000)


def make_study(researcher: User, cages: list[Cage], window: Window) -> None:
    """Order a study package of some cages of both groups and the last days."""
    some = [(cage.pk, cage.label, cage.created_at) for cage in cages[:STUDY_CAGES]]
    middle = window.end - STUDY_DAYS // 2 * DAY
    alarm = Exclusion(Window(middle, middle + 90 * SLOT_LENGTH), "fire alarm")
    order = StudyOrder(some, Window(window.end - STUDY_DAYS * DAY, window.end), margin(), [alarm])
    study = Study.objects.create(
        title="Activity of treated animals and controls",
        by=researcher.get_username(),
        made_by=researcher,
        made_at=window.end,
        order=order.to_json(),
    )
    study.cages.set([cage.pk for cage in cages[:STUDY_CAGES]])


def make_marks(
    person: User, cages: list[Cage], window: Window, seed: int, swapped: tuple[int, ...]
) -> Handled:
    """Note the work of the window. Returns when the animals of which cage were handled."""
    noting = _Noting(person, window, seed)
    racks = list({cage.rack_id: cage.rack for cage in cages}.values())
    rooms = list({cage.room_id: cage.room for cage in cages}.values())
    number_of = {rack.pk: number for number, rack in enumerate(racks) if rack}
    turn: dict[int, int] = {}
    for day, _part in window.days():
        turn.clear()
        weekday = day.weekday()
        for index, cage in enumerate(cages):
            rack = number_of[cage.rack_id or 0]
            if weekday == rack % 5:
                turn[rack] = turn.get(rack, -1) + 1
                later = turn[rack] * CHANGE_MINUTES
                noting.note(BuiltIn.CAGE_CHANGE, day, 9 * 60 + later, CHANGE_MINUTES, cage, index)
            if index % WEIGHED_OF == 4 and weekday == 3:
                noting.note(BuiltIn.WEIGHING, day, 14 * 60 + index % 60, 2, cage, index)
            if is_treated(index) and day.day == 15:
                noting.note(BuiltIn.PROCEDURE, day, 13 * 60 + index % 90, 10, cage, index)
        for rack_row in racks:
            if weekday in (1, 4):
                noting.note(BuiltIn.FOOD, day, 8 * 60 + 10, 15, rack_row)
            if weekday == 2:
                noting.note(BuiltIn.WATER, day, 8 * 60 + 40, 15, rack_row)
    days = window.minutes // MINUTES_A_DAY
    for number, room in enumerate(rooms):
        works = timezone.localtime(window.start).date() + int(days * 0.4 + number) * DAY
        noting.note(BuiltIn.ROOM_WORKS, works, 10 * 60, 150, room)
    moment = window.start + swap_minute(days) * SLOT_LENGTH
    for index in swapped:
        if index < len(cages):
            noting.add(BuiltIn.SENSOR_SWAPPED, moment, moment + 5 * SLOT_LENGTH, cages[index])
    Mark.objects.bulk_create(noting.marks, batch_size=2000)
    return noting.handled


class _Noting:
    """Collects marks of a window, and the handling of cages."""

    def __init__(self, person: User, window: Window, seed: int) -> None:
        self.person, self.window, self.seed = person, window, seed
        self.kinds = {kind.code: kind for kind in MarkKind.objects.exclude(code=None)}
        self.marks: list[Mark] = []
        self.handled: Handled = {}

    def note(
        self, kind: BuiltIn, day: date, minute: int, minutes: int, place: object, index: int = -1
    ) -> None:
        """Work on a day at a minute of the facility's clock; index: of its cage."""
        at = datetime.combine(day, time(minute // 60, minute % 60), timezone.get_default_timezone())
        end = at + timedelta(minutes=minutes)
        if self.add(kind, at, end, place) and index >= 0:
            since, of_day = divmod((at - self.window.start) // SLOT_LENGTH, MINUTES_A_DAY)
            self.handled.setdefault(since, []).append((index, of_day))

    def add(self, kind: BuiltIn, start: datetime, end: datetime, place: object) -> bool:
        """Whether the mark lies in the window and in the life of its cage; else it is left out."""
        begins = place.created_at if isinstance(place, Cage) else self.window.start
        if not begins <= start <= end <= self.window.end:
            return False
        name = {"Cage": "cage", "Rack": "rack", "Room": "room"}[type(place).__name__]
        mark = Mark(
            # The same facility has the same keys.
            key=uuid.uuid5(uuid.NAMESPACE_URL, f"{self.seed}/{len(self.marks)}"),
            kind=self.kinds[kind],
            starts_at=start,
            ends_at=end,
            person=self.person,
            by=self.person.get_username(),
            noted_at=end,
            **{name: place},
        )
        self.marks.append(mark)
        return True
