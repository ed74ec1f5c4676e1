import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cages.models import PollCycle
from cages.polling import ahead

logger = logging.getLogger(__name__)
MOST_LINES = 100


class Command(BaseCommand):
    help = (
        "Shows the minutes that are recorded ahead of now, because a clock was wrong. Check first "
        "that the clock of this machine is right: if it is behind, these minutes are right. With "
        "--remove, removes them with their polls. What was removed cannot be brought back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--remove", type=int, metavar="N", help="remove them; N: how many minutes were shown"
        )
        parser.add_argument("--by", metavar="NAME", help="who decided this, for the log")

    def handle(self, *, remove: int | None = None, by: str | None = None, **options: Any) -> None:
        now = timezone.now()
        cycles = PollCycle.objects.ahead(now).defer("planned_ids").order_by("slot")
        span = PollCycle.objects.span_ahead(now)
        self.stdout.write(f"It is {now:%Y-%m-%d %H:%M:%S}Z by the clock of this machine.")
        for cycle in cycles[:MOST_LINES]:
            self.stdout.write(str(cycle))
        if span.count > MOST_LINES:
            self.stdout.write(f"and more, up to {span.last:%Y-%m-%d %H:%M}Z")
        self.stdout.write(f"{span.count:,} minutes are recorded ahead of now.")
        if remove is None:
            if span.count:
                self.stdout.write(
                    f"To remove them and their polls: remove_ahead --remove {span.count} --by NAME"
                )
            return
        if remove != span.count:
            raise CommandError(f"{span.count} minutes are ahead of now, not {remove}.")
        if not by:
            raise CommandError("Say who decided this: --by NAME.")
        removed = sum(ahead.remove(slot) for slot in cycles.values_list("slot", flat=True))
        ahead.keep_to_the_present(now)
        logger.warning(
            "%s removed %d minutes that were recorded ahead of %s, from %s to %s: %d polls",
            *(by, span.count, now, span.first, span.last, removed),
        )
        self.stdout.write(f"Removed {span.count:,} minutes with {removed:,} polls.")
