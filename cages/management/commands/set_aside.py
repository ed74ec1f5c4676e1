from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from cages.polling import set_aside

MOST_LINES = 100


class Command(BaseCommand):
    help = (
        "Shows the results that the database refused for what is in them. With --replay it tries "
        "to write them again: what is written leaves the list."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--replay", action="store_true", help="try to write them again")

    def handle(self, *, replay: bool, **options: Any) -> None:
        try:
            kept = set_aside.kept()
            left = self._replay(kept) if replay else kept
        except (RedisError, DatabaseError) as error:
            raise CommandError(f"Redis or the database does not do its work: {error}") from error
        for each in left[:MOST_LINES]:
            self.stdout.write(f"{each.moment:%Y-%m-%d %H:%M}Z  {each.cages}: {each.why}")
        if len(left) > MOST_LINES:
            self.stdout.write(f"and {len(left) - MOST_LINES:,} more")
        self.stdout.write(f"{len(left):,} kept aside.")

    def _replay(self, kept: list[set_aside.SetAside]) -> list[set_aside.SetAside]:
        """Returns those that still cannot be written."""
        left = [each for each in kept if not set_aside.replay(each, timezone.now())]
        self.stdout.write(f"{len(kept) - len(left):,} written.")
        return left
