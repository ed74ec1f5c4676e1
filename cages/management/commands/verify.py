from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cages.models import DayDigest
from cages.operations import digests

SHOWN_AT_MOST = 100


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"a day such as 2026-03-02, not {text!r}") from None


class Command(BaseCommand):
    help = (
        "Makes the digests of the closed days anew, and tells the days, cages and hours (UTC) "
        "where a minute or a noted change was changed, deleted or added since. Ends with an error "
        "if there is any. Reads every minute of these days."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", type=day_of, dest="first", metavar="DAY", help="UTC day")
        parser.add_argument("--to", type=day_of, dest="last", metavar="DAY", help="included")
        parser.add_argument("--chain", metavar="DIGEST", help="a digest that was kept elsewhere")

    def handle(
        self,
        *,
        first: date | None = None,
        last: date | None = None,
        chain: str | None = None,
        **options: Any,
    ) -> None:
        if chain:
            self._look_for(chain)
        differences = 0
        explained = dict.fromkeys(digests.Kind, 0)
        for finding in digests.verify(first, last, timezone.now()):
            explained[finding.kind] += 1
            if finding.kind.is_difference:
                differences += 1
                if differences <= SHOWN_AT_MOST:
                    which = "" if finding.cage_id is None else f", cage {finding.cage_id}"
                    self.stdout.write(f"{finding.day}{which}: {finding.words}")
        for kind, words in WORDS.items():
            if explained[kind]:
                self.stdout.write(words % explained[kind])
        if differences:
            raise CommandError(f"{differences} differences. The first {SHOWN_AT_MOST} are shown.")
        newest = DayDigest.objects.order_by("day").last()
        if newest is None:
            self.stdout.write("No day is closed yet.")
        else:
            self.stdout.write(f"No difference. The digest of {newest.day} is {newest.chain}.")

    def _look_for(self, chain: str) -> None:
        found = DayDigest.objects.filter(chain=chain.strip().lower()).first()
        if found is None:
            raise CommandError("No day has this digest. The chain was made anew since.")
        self.stdout.write(f"It is the digest of {found.day}.")


# What is told apart from a difference, by cages and days.
WORDS = {
    digests.Kind.LATE: "%d days of cages have results that came late, as is noted.",
    digests.Kind.PURGED: "%d days of cages were purged, as is noted.",
    digests.Kind.RETENTION: "%d days of cages are not kept any more, as was decided.",
}
