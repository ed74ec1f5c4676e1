import json
import secrets
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.utils import timezone

from cages import demo
from cages.demo import facility
from cages.demo.places import ROLES
from cages.history.window import midnight_of
from cages.models import Cage
from cages.storage import upkeep
from neurocage.private_file import write_private_file
from people.models import User

USERNAME = "demo"


class Command(BaseCommand):
    help = (
        "Loads the demonstration into an empty database: 12 cages, 14 days, one administrator. "
        "With --facility a large generated facility, for trying pages at size."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing where the database is in use"
        )
        parser.add_argument(
            "--state-file",
            type=Path,
            help="write the sign-in and what the sensor simulator should play, as JSON",
        )
        parser.add_argument(
            "--facility", action="store_true", help="load the generated facility instead"
        )
        parser.add_argument(
            "--cages", type=int, default=facility.CAGES, help="of the facility (%(default)s)"
        )
        parser.add_argument(
            "--days", type=int, default=facility.DAYS, help="of the facility (%(default)s)"
        )
        parser.add_argument("--seed", type=int, default=facility.SEED, help="(%(default)s)")
        parser.add_argument(
            "--until",
            type=date.fromisoformat,
            metavar="DATE",
            help="the facility's minutes end with the midnight before this day, instead of now",
        )

    def handle(
        self,
        *,
        if_empty: bool,
        state_file: Path | None,
        **options: Any,
    ) -> None:
        if User.objects.exists() or Cage.objects.exists():
            if if_empty:
                return
            raise CommandError("The database is in use. The demonstration needs an empty one.")
        password = secrets.token_urlsafe(9)
        if options["facility"]:
            self._load_facility(password, **options)
            return
        with transaction.atomic():
            user = User.objects.create_superuser(USERNAME, password=password)
            demo.load(user, timezone.now(), progress=self._tell)
            if state_file:
                state = {
                    "username": USERNAME,
                    "password": password,
                    "sensor_api_env": demo.sensor_api_env(),
                }
                write_private_file(state_file, json.dumps(state, indent=2))
        self._tell(f"Demonstration loaded. Sign in as {USERNAME} with the password {password}")

    def _load_facility(
        self, password: str, *, cages: int, days: int, seed: int, until: date | None, **options: Any
    ) -> None:
        if cages < facility.LEAST_CAGES or days < facility.LEAST_DAYS:
            least = f"{facility.LEAST_CAGES} cages and {facility.LEAST_DAYS} days"
            raise CommandError(f"The facility has at least {least}.")
        now = timezone.now()
        end = min(midnight_of(until, timezone.get_default_timezone()), now) if until else now
        size = facility.Size(cages, days, end, seed)
        changes = facility.clock_changes(size.window)
        self._tell(f"Days on which the clock is set: {', '.join(changes) or 'none'}")
        with transaction.atomic():
            user = User.objects.create_superuser(USERNAME, password=password)
            facility.load(user, size, progress=self._tell, password=password)
        # Pages are as they will be once TimescaleDB's jobs have run.
        for words, run in upkeep.pending(connection):
            self._tell(words)
            run(connection)
        names = ", ".join([USERNAME, *ROLES])
        self._tell(f"Facility loaded. Sign in as one of {names} with the password {password}")

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
