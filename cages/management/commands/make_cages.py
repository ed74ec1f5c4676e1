from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import BigIntegerField, Max
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from cages.forms.place import NameField
from cages.models import Cage, Places, Rack
from people.models import Lab, User
from people.models.lab import DEFAULT_CAGE_LIMIT
from people.names import key_of

USERNAME = "make_cages"
ROOM = "Trial"
MOST = 1_000_000
BATCH = 10_000
# A usual rack: 8 shelves of 10 cages.
ROWS = "ABCDEFGH"
COLUMNS = range(1, 11)


class Command(BaseCommand):
    help = "Adds many cages, to try Neurocage at size. From the next minute on they are asked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int, help=f"how many, 1 to {MOST:,}")
        parser.add_argument(
            "--owner",
            metavar="USERNAME",
            help=f"who owns them (default: the first administrator, else a new person {USERNAME})",
        )
        parser.add_argument(
            "--room", default=ROOM, help="where their racks stand (default: %(default)s)"
        )

    def handle(self, *, count: int, owner: str | None, room: str, **options: Any) -> None:
        if not 1 <= count <= MOST:
            raise CommandError(f"The number of cages must be from 1 to {MOST:,}, not {count:,}.")
        room = _checked_room(room)
        with transaction.atomic():
            person = _owner(owner)
            cages = _cages(count, person, room, timezone.now())
            made: list[Cage] = []
            while batch := list(islice(cages, BATCH)):
                Places.keep(batch)
                Cage.objects.bulk_create(batch)
                made += (batch[0], batch[-1])
            _leave_room(made[0].lab_id)
        first, last = made[0], made[-1]
        self.stdout.write(
            f"{count:,} {'cage' if count == 1 else 'cages'} added for {person}: "
            f"{first.label} to {last.label}, id {first.pk} to {last.pk}, "
            f"in room {first.room}, rack {first.rack} to {last.rack}."
        )


def _leave_room(lab_id: int) -> None:
    """Raise the limit of a lab that was filled beyond it, so that its people can go on."""
    count = Cage.objects.filter(lab=lab_id).count()
    full = Lab.objects.filter(pk=lab_id, cage_limit__lte=count)
    full.update(cage_limit=count + DEFAULT_CAGE_LIMIT)


def _checked_room(room: str) -> str:
    try:
        return NameField().clean(room) or ROOM
    except ValidationError as error:
        raise CommandError(f"--room: {' '.join(error.messages)}") from error


def _owner(username: str | None) -> User:
    if username is not None:
        try:
            return User.objects.get_by_natural_key(username)
        except User.DoesNotExist:
            raise CommandError(f"There is no person named {username!r}.") from None
    if administrator := User.objects.administrators().first():
        return administrator
    # Nobody can sign in as this person.
    person, made = User.objects.get_or_create(username=USERNAME)
    if made:
        person.set_unusable_password()
        person.save(update_fields=["password"])
    return person


def _cages(count: int, owner: User, room: str, now: datetime) -> Iterator[Cage]:
    """Yield unsaved cages. Their labels and racks are numbered after the existing ones."""
    first = _last_number() + 1
    rack = _last_rack(room) + 1
    places = Places([(room, "")])
    digits = max(5, len(str(first + count - 1)))
    rack_digits = max(3, len(str(rack + (count - 1) // (len(ROWS) * len(COLUMNS)))))
    for index in range(count):
        shelf, column = divmod(index, len(COLUMNS))
        full_racks, row = divmod(shelf, len(ROWS))
        cage = Cage(label=f"C{first + index:0{digits}}", owner=owner, created_at=now)
        place = places.find(room, f"{rack + full_racks:0{rack_digits}}")
        cage.stand_in(*place, ROWS[row], COLUMNS[column])
        yield cage


def _last_number() -> int:
    """The largest n of all labels "Cn", archived cages included; 0 without any."""
    numbered = Cage.objects.filter(label_key__regex=r"^c[0-9]{1,15}$")
    number = Cast(Substr("label_key", 2), BigIntegerField())
    return numbered.aggregate(last=Max(number))["last"] or 0


def _last_rack(room: str) -> int:
    """The largest number that is a rack's name in the room; 0 without any.

    A call begins a new rack, so no bay of it is taken.
    """
    names = Rack.objects.filter(room__key=key_of(room)).values_list("key", flat=True)
    return max((int(name) for name in names if name.isascii() and name.isdigit()), default=0)
