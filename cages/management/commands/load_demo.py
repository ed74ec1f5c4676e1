import json
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from cages import demo
from cages.models import Cage
from neurocage.private_file import write_private_file
from people.models import User

USERNAME = "demo"


class Command(BaseCommand):
    help = "Loads the demonstration into an empty database: 12 cages, 14 days, one administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing where the database is in use"
        )
        parser.add_argument(
            "--state-file",
            type=Path,
            help="write the sign-in and what the sensor simulator should play, as JSON",
        )

    def handle(self, *, if_empty: bool, state_file: Path | None, **options: Any) -> None:
        if User.objects.exists() or Cage.objects.exists():
            if if_empty:
                return
            raise CommandError("The database is in use. The demonstration needs an empty one.")
        password = secrets.token_urlsafe(9)
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

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
