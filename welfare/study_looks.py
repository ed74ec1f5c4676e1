"""The eyes-on ledger in a study package: one row for each cage and day."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils.text import format_lazy
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from cages.exporting.columns import CAGE, Column
from cages.exporting.study.tables import MORE, More, Tables
from cages.models import Cage
from welfare.eyes_on import Eyes, ledger_of, whole_days

# Of a cage and day, also in the file of /looks/ (welfare.looks_file).
SEEN = [
    Column(
        "eyes_on",
        "text",
        format_lazy(
            _("Whether somebody saw the animals on this day: {words}."), words=", ".join(Eyes)
        ),
    ),
    Column("looks", "integer", _("How often somebody saw them.")),
    Column("first_local", "text", _("When somebody did first, in facility time.")),
]
# Who looked is left out: the file is for a paper, and /looks/ tells it.
COLUMNS = [*CAGE, Column("day", "text", _("The whole day of the facility.")), *SEEN]


def register() -> None:
    MORE["looks"] = More(
        "Whether staff looked at each cage, day by day",
        COLUMNS,
        rows,
        sentence,
        "16c (frequency of monitoring): looks.csv says on which days staff saw the animals of each "
        "cage.",
    )


def rows(tables: Tables, counts: Counter[str]) -> Iterator[list[tuple[Any, ...]]]:
    """One row for each cage and day that the window touches. It counts the days by Eyes.

    A cage that was purged has none: nothing says any more on which days it was housed.
    """
    window = tables.window
    first = localtime(window.start).date()
    days = whole_days(first, localtime(window.end - timedelta(minutes=1)).date())
    for batch in tables.batches():
        cages = list(Cage.objects.filter(pk__in=batch).order_by("pk"))
        ledger = ledger_of(cages, days)
        found: list[tuple[Any, ...]] = []
        for cage in cages:
            for one, eyes in zip(ledger.days, ledger.by_cage[cage.pk], strict=True):
                own = ledger.sights.get(cage.pk, {}).get(one.day, [])
                first_at = f"{localtime(own[0].at):%Y-%m-%dT%H:%M:%S}" if own else None
                day = one.day.isoformat()
                found.append((cage.pk, batch[cage.pk], day, eyes.value, len(own), first_at))
                counts[eyes] += 1
        yield found


def sentence(counts: Counter[str]) -> str:
    """The days of all cages together, in the methods."""
    looked_at, total = counts[Eyes.LOOKED_AT], counts.total()
    housed = total - counts[Eyes.NOT_HOUSED]
    return (
        f"Staff noted that they saw the animals on {looked_at} of {housed} days on which cages "
        f"were housed (each cage counts; {total} days in all). Days are those of the facility, and "
        "those at the ends count as whole ones."
    )
