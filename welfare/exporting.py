"""Concerns and notices as CSV, and what their columns mean, for the data dictionary."""

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

from django.db.models import QuerySet, TextChoices
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cages.exporting import dictionary
from cages.exporting.columns import Column
from cages.exporting.files import Pieces, csv_of
from welfare.models import Act, Concern, Delivery, Ending, Failure, Finding, Kind, Notice, Why
from welfare.models.concern import ConcernQuerySet

BATCH = 500
Row = TypeVar("Row", Concern, Notice)


def _values(choices: type[TextChoices]) -> str:
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
    Column(
        "held_since_utc",
        "moment",
        _("Since when the cage is unseen, so that nothing is known of it. Empty: it is seen."),
    ),
    Column(
        "over_utc",
        "moment",
        _(
            "The minute in which it was over, or not watched any more (see ending). "
            "Empty: it lasts as far as is known."
        ),
    ),
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
NOTICE_COLUMNS = [
    Column("notice_id", "integer", _("The id of the notice. Each of its deliveries is a row.")),
    Column("recipient", "text", _("Who was told.")),
    Column("why", "text", format_lazy("{}: {}.", _("Why"), _values(Why))),
    Column("subject", "text", _("The subject, as it was written.")),
    Column("concerns", "text", _("The ids of the concerns that it tells of, with spaces between.")),
    Column("is_drill", "integer", _("1: a drill, which no statistics count.")),
    Column("made_utc", "moment", _("When it was made.")),
    Column("way", "text", _("mail, or the name of a channel. Empty: only in the application.")),
    Column("tries", "integer", _("How often it was tried to send it.")),
    Column("sent_utc", "moment", _("When it was sent. Empty: it was not.")),
    Column(
        "failure",
        "text",
        format_lazy("{}: {}.", _("Why the newest try failed"), _values(Failure)),
    ),
    Column("failed_utc", "moment", _("When the newest try failed.")),
    Column("ended_utc", "moment", _("When it was given up, or without a failure not needed.")),
    Column("may_be_a_repeat", "integer", _("1: it may have been sent twice.")),
]
dictionary.OTHER_FILES["concerns"] = COLUMNS
dictionary.OTHER_FILES["notices"] = NOTICE_COLUMNS


def pieces_of(concerns: ConcernQuerySet) -> Pieces:
    """Yield the pieces of a CSV file with these concerns, by id."""
    yield csv_of([[column.name for column in COLUMNS]]).encode()
    rows = concerns.select_related("cage").prefetch_related("trail")
    for batch in _batches(rows):
        yield csv_of(map(_row, batch)).encode()


def notice_pieces_of(notices: QuerySet[Notice]) -> Pieces:
    """Yield the pieces of a CSV file with these notices, as `notices_seen_by` gives them, by id."""
    yield csv_of([[column.name for column in NOTICE_COLUMNS]]).encode()
    for batch in _batches(notices):
        lines = [line for notice in batch for line in _notice_rows(notice)]
        yield csv_of(lines).encode()


def _batches(rows: QuerySet[Row]) -> Iterator[list[Row]]:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
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
        _moment(concern.held_since),
        _moment(concern.over_slot),
        _moment(concern.seen_at),
        concern.finding,
        _moment(concern.found_at),
        found[-1] if found else None,
        _moment(concern.recheck_at),
        _moment(concern.closed_at),
        concern.ending,
    )


def _notice_rows(notice: Notice) -> Iterator[tuple[str | int | None, ...]]:
    deliveries: list[Delivery | None] = list(notice.deliveries.all()) or [None]
    concerns = sorted({told.concern_id for told in notice.told.all()})
    for one in deliveries:
        yield (
            notice.pk,
            notice.recipient.get_username(),
            notice.why,
            notice.subject,
            " ".join(map(str, concerns)),
            int(notice.is_drill),
            _moment(notice.made_at),
            (one.channel.name if one.channel else "mail") if one else None,
            one.tries if one else None,
            _moment(one.sent_at) if one else None,
            one.failure if one else None,
            _moment(one.failed_at) if one else None,
            _moment(one.ended_at) if one else None,
            int(one.may_be_a_repeat) if one else None,
        )


def _moment(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
