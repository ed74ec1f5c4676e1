"""Concerns as CSV, and what its columns mean, for the data dictionary."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cages.exporting import dictionary
from cages.exporting.columns import Column
from cages.exporting.files import Pieces, csv_of
from welfare.models import Act, Concern, Ending, Finding, Kind
from welfare.models.concern import ConcernQuerySet

BATCH = 500


def _values(choices: type[Kind] | type[Finding] | type[Ending]) -> str:
    return ", ".join(choices.values)


COLUMNS = [
    Column("concern_id", "integer", _("The id of the concern.")),
    Column("kind", "text", format_lazy("{}: {}.", _("What it is about"), _values(Kind))),
    Column("subject", "text", _("The cage, place or part of Neurocage, such as cage:12.")),
    Column("cage_id", "integer", _("The id of the cage. Empty: it is not about one cage.")),
    Column("label", "text", _("The cage's label at the time of the export.")),
    Column("is_drill", "integer", _("1: a drill, which no statistics count.")),
    Column("raised_utc", "moment", _("The minute whose readings raised it.")),
    Column("since_utc", "moment", _("Since when it was so.")),
    Column("is_since_known", "integer", _("0: it was so at least since then.")),
    Column("over_utc", "moment", _("The minute in which it was over. Empty: it lasts.")),
    Column("first_acknowledged_utc", "moment", _("When a person first took care of it.")),
    Column(
        "finding",
        "text",
        format_lazy("{}: {}.", _("What a person found last"), _values(Finding)),
    ),
    Column("found_utc", "moment", _("When that was found.")),
    Column("finding_text", "text", _("What was written about the last finding.")),
    Column("recheck_utc", "moment", _("When a recheck is due.")),
    Column("closed_utc", "moment", _("When it was closed. Empty: it is open.")),
    Column("ending", "text", format_lazy("{}: {}.", _("Why it was closed"), _values(Ending))),
]
dictionary.OTHER_FILES["concerns"] = COLUMNS


def pieces_of(concerns: ConcernQuerySet) -> Pieces:
    """Yield the pieces of a CSV file with these concerns, by id."""
    yield csv_of([[column.name for column in COLUMNS]]).encode()
    for batch in _batches(concerns.select_related("cage").order_by("pk")):
        yield csv_of(map(_row, batch)).encode()


def _batches(concerns: ConcernQuerySet) -> Iterator[list[Concern]]:
    last = 0
    while batch := list(concerns.filter(pk__gt=last).prefetch_related("trail")[:BATCH]):
        last = batch[-1].pk
        yield batch


def _row(concern: Concern) -> tuple[str | int | None, ...]:
    found = [entry.text for entry in concern.trail.all() if entry.act == Act.FOUND]
    return (
        concern.pk,
        concern.kind,
        concern.subject,
        concern.cage_id,
        concern.cage.label if concern.cage else None,
        int(concern.is_drill),
        _moment(concern.raised_slot),
        _moment(concern.since),
        int(concern.is_since_known),
        _moment(concern.over_slot),
        _moment(concern.seen_at),
        concern.finding,
        _moment(concern.found_at),
        found[-1] if found else None,
        _moment(concern.recheck_at),
        _moment(concern.closed_at),
        concern.ending,
    )


def _moment(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
