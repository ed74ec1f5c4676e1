import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from cages import storage
from cages.models import RetentionChange
from cages.storage import conversion, retention


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

    def handle(
        self, *, keep_days: int | None = None, keep_for_good: bool = False, **options: Any
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
            self._decide(None)
            return
        if not retention.SHORTEST_DAYS <= keep_days <= retention.LONGEST_DAYS:
            raise CommandError(
                f"--keep-days: from {retention.SHORTEST_DAYS} to {retention.LONGEST_DAYS} days."
            )
        now = timezone.now()
        self.stdout.write(self._in_words(retention.removal(connection, keep_days, now)))
        self.stdout.write("The hourly and daily roll-ups stay. Minutes cannot be brought back.")
        words = f"remove minutes older than {keep_days} days"
        try:
            typed = input(f"Type \u201c{words}\u201d to do so: ")
        except EOFError:
            typed = ""
        if typed.strip() != words:
            raise CommandError("That was not typed, so nothing was changed.")
        self._decide(keep_days)

    def _decide(self, keep_days: int | None) -> None:
        change = retention.change(connection, keep_days, getpass.getuser(), timezone.now())
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
