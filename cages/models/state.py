"""State: a cage's latest known health and its age, and how its sensor did last."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from cages.models.poll import Health, Outcome

# At 25 % random failures fewer than 1 of 500 healthy cages has no reading for 5 minutes at any
# moment, and one a month has none for 12 (product.md, section 6).
LATE_AFTER = timedelta(minutes=5)
UNSEEN_AFTER = timedelta(minutes=12)


class Condition(models.TextChoices):
    """What a page says of a cage, worst first."""

    BAD = "bad", _("Bad")
    UNSEEN = "unseen", _("Unseen")
    WAITING = "waiting", _("No reading yet")
    OK = "ok", _("Ok")
    PERFECT = "perfect", _("Perfect")
    PAUSED = "paused", _("Paused")
    ARCHIVED = "archived", _("Archived")


HEALTH_CONDITIONS = {
    Health.BAD: Condition.BAD,
    Health.OK: Condition.OK,
    Health.PERFECT: Condition.PERFECT,
}


class CageState(models.Model):
    """The one row the list needs. Narrow, and apart from Cage, so that a minute's update never
    fights with a person's edit. Only the recorder writes it."""

    cage = models.OneToOneField(
        "cages.Cage", on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    reading_slot = models.DateTimeField(null=True)
    # The first reading of the unbroken run of readings with this status.
    status_since = models.DateTimeField(null=True)
    outcome_slot = models.DateTimeField(null=True)
    outcome_since = models.DateTimeField(null=True)
    status = models.SmallIntegerField(choices=Health.choices, null=True)
    outcome = models.SmallIntegerField(choices=Outcome.choices, null=True)

    def __str__(self):
        return f"state of cage {self.cage_id}"

    @property
    def succeeded(self):
        """Whether the sensor's last request was answered."""
        return self.outcome == Outcome.ANSWERED

    def age(self, now):
        """How long ago the last known health was asked for, or None without any."""
        return None if self.reading_slot is None else max(now - self.reading_slot, timedelta())


def condition_of(cage, state, now):
    """The condition of one cage at `now`; `state` is None for a cage without any record.

    `CageQuerySet.with_rank` says the same in SQL; a test holds the two together.
    """
    if cage.archived_at:
        return Condition.ARCHIVED
    if not cage.is_polled:
        return Condition.PAUSED
    if state is None or state.reading_slot is None:
        # A new cage has not been looked for long enough to be missed.
        waiting = now - cage.created_at < UNSEEN_AFTER
        return Condition.WAITING if waiting else Condition.UNSEEN
    if state.age(now) >= UNSEEN_AFTER:
        return Condition.UNSEEN
    return HEALTH_CONDITIONS[Health(state.status)]
