"""Polls: one row for each cage and minute, with what the sensor said and how the request went."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Health(models.IntegerChoices):
    """What a valid answer says, numbered as the sensor API numbers it.

    `word` is the name in roll-ups, exports and the API.
    """

    BAD = 1, _("Bad")
    OK = 2, _("Ok")
    PERFECT = 3, _("Perfect")

    @property
    def word(self) -> str:
        return self.name.lower()


class Outcome(models.IntegerChoices):
    """How a planned poll ended. Stored as a number: there are hundreds of millions of them.

    `word` is the name in roll-ups, exports, logs and messages.
    """

    ANSWERED = 1, _("answered")
    UNAVAILABLE = 2, _("unavailable (503)")
    TIMEOUT = 3, _("timeout")
    CONNECTION_ERROR = 4, _("connection error")
    HTTP_ERROR = 5, _("HTTP error")
    MALFORMED = 6, _("malformed answer")
    SKIPPED = 7, _("skipped")

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def http_status(self) -> int | None:
        """The HTTP status that this outcome always has. None where it may be any or none."""
        return _HTTP_STATUS.get(self)


_HTTP_STATUS = {Outcome.ANSWERED: 200, Outcome.MALFORMED: 200, Outcome.UNAVAILABLE: 503}


class PollQuerySet(models.QuerySet):
    def within(self, cage_ids: Iterable[int], window: Any) -> "PollQuerySet":
        """The polls of these cages whose slot lies in the window."""
        return self.filter(cage__in=cage_ids, slot__gte=window.start, slot__lt=window.end)

    def of(self, cage: Any, window: Any) -> "PollQuerySet":
        """The polls of one cage whose slot lies in the window, newest first."""
        return self.within([cage], window).order_by("-slot")

    def answered(self) -> "PollQuerySet":
        """The polls with a reading."""
        return self.filter(outcome=Outcome.ANSWERED)


class Poll(models.Model):
    """One planned poll and how it ended. A slot without a row was not watched."""

    # TimescaleDB requires the time column in every unique index, so the key is (cage, slot). It
    # also makes a repeated write harmless. The order of the columns leaves no padding in a row.
    pk = models.CompositePrimaryKey("cage_id", "slot")
    slot = models.DateTimeField(help_text="UTC minute.")
    # Years of minutes are deleted by a purge in bounded steps, never by a cascade.
    cage = models.ForeignKey(
        "cages.Cage", on_delete=models.DO_NOTHING, related_name="polls", db_index=False
    )
    # From sending to the complete body, or to giving up. None where nothing was sent.
    latency_ms = models.IntegerField(null=True)
    outcome = models.SmallIntegerField(choices=Outcome.choices)
    # The reading: set exactly where the poll was answered.
    status = models.SmallIntegerField(choices=Health.choices, null=True)
    # Only where the outcome does not imply it. A column that is nearly always NULL takes no space
    # when it is compressed.
    http_status = models.SmallIntegerField(null=True)
    # Why the poll failed, where the outcome does not say it all.
    detail = models.CharField(max_length=200, null=True)  # noqa: DJ001

    objects = PollQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                # NULL must be named: a check lets pass what it can only call unknown.
                condition=Q(
                    outcome=Outcome.ANSWERED, status__isnull=False, status__in=Health.values
                )
                | Q(outcome__in=[o for o in Outcome if o != Outcome.ANSWERED], status=None),
                name="cages_poll_status_exactly_if_answered",
            )
        ]

    def __str__(self) -> str:
        return f"cage {self.cage_id} at {self.slot:%Y-%m-%d %H:%M}Z: {self.get_outcome_display()}"

    @property
    def answer_status(self) -> int | None:
        """The HTTP status of the answer, or None without one."""
        return self.http_status or Outcome(self.outcome).http_status

    @property
    def succeeded(self) -> bool:
        return self.outcome == Outcome.ANSWERED

    @property
    def health(self) -> Health | None:
        return None if self.status is None else Health(self.status)
