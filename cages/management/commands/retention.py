from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from cages import storage
from cages.models import RetentionChange
from cages.storage import conversion, retention, turns
from people.acting import REASON_LENGTH, because, named
from people.names import shown_name

PERSON_LENGTH = RetentionChange._meta.get_field("person").max_length or 0


class Command(BaseCommand):
    help = (
        "Tells how long minutes are kept (for good, unless somebody decided otherwise). With "
        "--keep-days it shows what would be removed, asks, and removes that and whatever grows "
        "older; the hourly and daily roll-ups stay. What was removed cannot be brought back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--keep-days", type=int, metavar="N", help="keep minutes for N days")
        choice.add_argument("--keep-for-good", action="store_true", help="remove no more from now")
        parser.add_argument("--by", metavar="NAME", help="who decides this; asked for if left out")
        parser.add_argument("--reason", metavar="TEXT", help="why; asked for if left out")

    def handle(
        self,
        *,
        keep_days: int | None = None,
        keep_for_good: bool = False,
        by: str | None = None,
        reason: str | None = None,
        **options: Any,
    ) -> None:
        if keep_days is None and not keep_for_good:
            self._tell()
            return
        if not storage.timescaledb_version(connection) or conversion.is_needed(connection):
            raise CommandError(
                "On plain PostgreSQL the roll-ups are counted from the minutes themselves, so "
                "removing minutes would remove all history. Retention needs TimescaleDB."
            )
        if keep_days is None:
            self._decide(None, self._person(by), self._reason(reason))
            return
        if not retention.SHORTEST_DAYS <= keep_days <= retention.LONGEST_DAYS:
            raise CommandError(
                f"--keep-days: from {retention.SHORTEST_DAYS} to {retention.LONGEST_DAYS} days."
            )
        person, why, now = self._person(by), self._reason(reason), timezone.now()
        self.stdout.write(self._in_words(retention.removal(connection, keep_days, now)))
        self.stdout.write("The hourly and daily roll-ups stay. Minutes cannot be brought back.")
        words = f"remove minutes older than {keep_days} days"
        if self._typed(f"Type \u201c{words}\u201d to do so: ") != words:
            raise CommandError("That was not typed, so nothing was changed.")
        self._decide(keep_days, person, why)

    def _person(self, by: str | None) -> str:
        """Who decides. The account that runs this is nobody's: in a container all have the same."""
        text = self._typed("Your name, which is kept with the decision: ") if by is None else by
        try:
            name = shown_name(text)
        except ValidationError as error:
            raise CommandError(f"--by: {' '.join(error.messages)}") from error
        if not 0 < len(name) <= PERSON_LENGTH:
            raise CommandError(
                f"--by: a person's name of at most {PERSON_LENGTH} characters. Nothing was changed."
            )
        return name

    def _typed(self, question: str) -> str:
        try:
            return input(question).strip()
        except EOFError:
            return ""

    def _reason(self, given: str | None) -> str:
        text = self._typed("Why, which is kept too: ") if given is None else given.strip()
        if not 0 < len(text) <= REASON_LENGTH:
            raise CommandError(
                f"--reason: at most {REASON_LENGTH} characters, and not nothing. "
                "Nothing was changed."
            )
        return text

    def _decide(self, keep_days: int | None, person: str, why: str) -> None:
        try:
            with named(person), because(why):
                change = retention.change(connection, keep_days, person, timezone.now())
        except turns.StillBusyError as error:
            raise CommandError(f"{error} Nothing was removed.") from error
        self.stdout.write(f"Done and noted: {change}; {change.removed_rows:,} rows removed.")

    def _tell(self) -> None:
        changes = RetentionChange.objects.order_by("-pk")[:20]
        in_force = changes[0] if changes else None
        if in_force and in_force.keep_days:
            self.stdout.write(f"Minutes are kept for {in_force.keep_days} days.")
        else:
            self.stdout.write("Minutes are kept for good.")
        for change in changes:
            removed = f"{change.removed_rows:,} rows, {filesizeformat(change.removed_bytes)}"
            self.stdout.write(f"{change}; removed at once: {removed}")

    def _in_words(self, removal: retention.Removal) -> str:
        if not removal.chunks:
            return f"{storage.POLLS}: no whole chunk is older than that."
        return (
            f"{storage.POLLS}: {removal.rows:,} rows in {removal.chunks} chunks, from "
            f"{removal.first:%Y-%m-%d} up to {removal.last:%Y-%m-%d}, "
            f"{filesizeformat(removal.size_bytes)}"
        )
