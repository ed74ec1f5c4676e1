import re
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cages.history import ledger
from cages.history.moment import NotATime, moment_of
from cages.history.window import Window
from cages.models import PollCycle
from cages.slots import slot_of

AGO = re.compile(r"([0-9]+) ?(min|h|d)", re.ASCII)
UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
MOST_LINES = 100
BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Checks that every poll is accounted for: in each minute planned = the sum over outcomes, "
        "the rows that were kept agree, and nothing is recorded ahead of now. Exit code 1 where "
        "something is wrong. "
        "WHEN is 30min, 2h or 3d ago, or a date, or a date and time in the facility's time zone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", metavar="WHEN", default="1d", help="from this minute on (default: 1d)"
        )
        parser.add_argument(
            "--until", metavar="WHEN", help="up to this minute (default: the last full one)"
        )

    def handle(self, *, since: str, until: str | None, **options: Any) -> None:
        now = timezone.now()
        start = _moment("--since", since, now)
        end = min(_moment("--until", until, now) if until is not None else now, now)
        window = Window(slot_of(start), slot_of(end))
        if window.start >= window.end:
            raise CommandError(
                f"There is no full minute between --since {since} and "
                f"{f'--until {until}' if until is not None else 'now'}.",
                returncode=BAD_INPUT,
            )
        found = ledger.check(window, now, most=MOST_LINES)
        for imbalance in found.imbalances:
            self.stdout.write(f"{imbalance.slot:%Y-%m-%d %H:%M}Z  {imbalance.what}")
        if found.not_listed:
            self.stdout.write(f"and {found.not_listed:,} more")
        ahead = self._tell_what_is_ahead(now)
        if not found.balances:
            faults = f"The ledger does not balance. {_summary(found)}"
            raise CommandError(" ".join(filter(None, (faults, ahead))), returncode=1)
        self.stdout.write(f"The ledger balances. {_summary(found)}")
        if ahead:
            raise CommandError(ahead, returncode=1)

    def _tell_what_is_ahead(self, now: datetime) -> str:
        """List the minutes that are recorded ahead of now. Returns what is wrong, or ""."""
        count = PollCycle.objects.span_ahead(now).count
        lines = PollCycle.objects.ahead(now).defer("planned_ids").order_by("slot")
        for cycle in lines[:MOST_LINES]:
            self.stdout.write(f"{cycle}, ahead of now")
        if count > MOST_LINES:
            self.stdout.write(f"and {count - MOST_LINES:,} more ahead of now")
        if not count:
            return ""
        return (
            f"{_number(count, 'minute')} recorded ahead of now: a clock was wrong, or it is wrong "
            "now. manage.py remove_ahead removes what was recorded ahead."
        )


def _summary(found: ledger.LedgerCheck) -> str:
    parts = [
        f"{_number(found.minutes, 'minute')}: {_number(found.cycles - found.under_way, 'slot')} "
        f"with {_number(found.polls, 'poll')} checked",
        f"{found.under_way:,} under way" if found.under_way else "",
        f"{found.not_watched:,} not watched",
        f"{_number(found.imbalance_count, 'fault')}" if found.imbalance_count else "",
    ]
    return ", ".join(filter(None, parts)) + "."


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _moment(option: str, text: str, now: datetime) -> datetime:
    """Return WHEN as an aware datetime. Raises CommandError."""
    try:
        if ago := AGO.fullmatch(text.strip()):
            moment = now - int(ago[1]) * UNITS[ago[2]]
        else:
            moment = moment_of(text.strip())
        return slot_of(moment)
    except NotATime as error:
        raise CommandError(
            f"{option}: {error} Or write a span like 30min, 2h or 3d.", returncode=BAD_INPUT
        ) from None
    except (ValueError, OverflowError):
        raise CommandError(f"{option} {text!r} is too long a span.", returncode=BAD_INPUT) from None
